"""Labels: what turned out to be true. Classes as in training, or numbers, as the contract says."""

from collections.abc import Callable
from typing import Any

import msgspec

from interlock.domain.contract import Contract
from interlock.domain.errors import InvalidInputError
from interlock.gateway.faults import shown
from interlock.gateway.feedback import Entry, Key, Noun, number, reader_of
from interlock.predictions.records import Label, LabelsRecord


class LabelsRequest(msgspec.Struct, gc=False):
    """The JSON of a request."""

    labels: list[Entry]


_entries = reader_of(LabelsRequest, "labels")


def labels(contract: Contract) -> Noun:
    """Labels of an endpoint whose champion has this contract."""
    read_value = value_reader("label", contract)

    def read(key: Key, entry: Entry) -> Label:
        return Label(
            key.prediction_id, key.request_id, key.request_row, read_value(entry["label"]),
            key.observed_at_us, key.source, key.weight,
        )  # fmt: skip

    return Noun("label", _entries, ("label",), "natural", read, LabelsRecord)


def value_reader(name: str, contract: Contract) -> Callable[[Any], Any]:
    """How an answer that somebody else gives is read: a class as in training, or a number.

    Args:
        name: What it is called: `label`.
    """
    if contract.is_classifier and contract.classes:
        classes = {value: value for value in contract.classes}
        listed = ", ".join(shown(value) for value in contract.classes[:20])

        def read_class(value: Any) -> Any:
            if isinstance(value, str | bool | int | float) and value in classes:
                return classes[value]
            raise InvalidInputError(f"{name} == {shown(value)}, must be one of {listed}")

        return read_class
    return (lambda value: number(name, value)) if contract.task == "regression" else (lambda value: _any(name, value))


def _any(name: str, value: Any) -> Any:
    if isinstance(value, str | bool):
        return value
    try:
        return number(name, value)
    except InvalidInputError as error:
        raise InvalidInputError(f"{name} == {shown(value)}, must be a text, a number or a truth value") from error
