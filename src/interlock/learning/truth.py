"""Labels as logged become what a model was trained on: classes of its contract, or numbers.

Called when a run reads its rows. A label that is no class is null, to be counted and left out, never guessed at.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Scalar
from interlock.domain.errors import InvalidInputError
from interlock.predictions.feedback_rows import text_of

_AS_NUMBERS = {"true": 1.0, "false": 0.0}


def label_type(contract: Contract) -> pa.DataType:
    """Arrow type of the labels of a contract.

    Raises:
        InvalidInputError: Its task is unknown, so nothing says what a label is.
    """
    if contract.is_classifier:
        return pa.array(list(contract.classes)).type
    if contract.task == "regression":
        return pa.float64()
    raise InvalidInputError("the champion's contract names no task, so versions cannot be compared by labels")


def values(contract: Contract, text: pa.Array, number: pa.Array) -> pa.Array:
    """Labels of rows.

    Args:
        contract: Whose classes they are.
        text: As `label_text` in the log.
        number: As `label_number`.

    Returns:
        An array of `label_type`; null where the label is none.
    """
    if not contract.is_classifier:
        given = np.asarray(number.to_numpy(zero_copy_only=False), dtype=np.float64)
        return pa.array(given, pa.float64(), mask=~np.isfinite(given))
    classes = pa.array(list(contract.classes))
    encoded = text.dictionary_encode()
    spelled = _spellings(contract.classes)
    known = np.array([_index(word, spelled) for word in encoded.dictionary.to_pylist()], dtype=np.int64)
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    found = np.where(codes < 0, -1, known[codes]) if len(known) else np.full(len(codes), -1)
    return classes.take(pa.array(found, pa.int64(), mask=found < 0))


def indices(contract: Contract, labels: pa.ChunkedArray) -> NDArray[np.int64]:
    """Index of each label among the classes, for labels that `values` gave."""
    number = {value: at for at, value in enumerate(contract.classes)}
    return np.array([number[value] for value in labels.to_pylist()], dtype=np.int64)


def _spellings(classes: tuple[Scalar, ...]) -> dict[object, int]:
    spelled: dict[object, int] = {}
    for at, value in enumerate(classes):
        spelled.setdefault(text_of(value).lower(), at)
        if not isinstance(value, str):
            spelled.setdefault(float(value), at)
    # An exact spelling comes before one that differs in case.
    return spelled | {text_of(value): at for at, value in enumerate(classes)}


def _index(word: str | None, spelled: Mapping[object, int]) -> int:
    if word is None:
        return -1
    for spelling in (word, word.lower()):
        if spelling in spelled:
            return spelled[spelling]
    return spelled.get(_number(word), -1)


def _number(word: str) -> float | None:
    try:
        return _AS_NUMBERS[word.lower()] if word.lower() in _AS_NUMBERS else float(word)
    except ValueError:
        return None


def as_trained(contract: Contract, labels: pa.ChunkedArray) -> NDArray[np.generic]:
    """Labels as scikit-learn is given them: classes of their own type, numbers as floats."""
    if contract.is_classifier and labels.type == pa.string():
        return np.array(labels.to_pylist(), dtype=object)
    return np.asarray(labels.to_numpy())
