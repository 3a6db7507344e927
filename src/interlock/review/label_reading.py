"""What an annotator wrote, as the label it means: tools give text where the contract has numbers or booleans."""

import math
from typing import Any

from interlock.domain.contract import Contract, Scalar
from interlock.domain.errors import InvalidInputError
from interlock.predictions.feedback_rows import text_of


def read_label(contract: Contract, given: Any) -> Scalar:
    """The class or number that is meant.

    Raises:
        InvalidInputError: It is none.
    """
    if isinstance(given, str | bool | int | float) and given != "":
        if not contract.classes and contract.task != "regression":
            return given
        found = _number(given) if contract.task == "regression" else _class(contract, given)
        if found is not None:
            return found
    rule = "a number" if contract.task == "regression" else f"one of {', '.join(map(text_of, contract.classes))}"
    raise InvalidInputError(f"label == {str(given)[:60]!r}, must be {rule}")


def _number(given: Scalar) -> float | None:
    try:
        number = float(given)
    except ValueError:
        return None
    return number if math.isfinite(number) and not isinstance(given, bool) else None


def _class(contract: Contract, given: Scalar) -> Scalar | None:
    exact = {text_of(each): each for each in contract.classes}
    known = {text.lower(): each for text, each in exact.items()} | exact
    text = text_of(given).strip()
    if text in known or text.lower() in known:
        return known.get(text, known.get(text.lower()))
    number = _number(text)
    return None if number is None else known.get(text_of(number))
