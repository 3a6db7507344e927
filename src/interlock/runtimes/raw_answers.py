"""From what a model answers (an array, or a mapping of arrays) to the outputs of its contract.

Called by runtimes whose models do not name their outputs themselves. A contract without outputs, which registration
uses while it still learns them, gives the answer as it is.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Scalar

ANSWER = "answer"
"""The name of an array that is given as it is."""


def outputs_of(answer: Any, contract: Contract) -> dict[str, NDArray[Any]]:
    """The outputs of a contract.

    Args:
        answer: An array with one row a row; or a mapping with `label`, `probabilities` or `prediction`.
        contract: A classifier's: rows of probabilities in the order of its classes, a single one for the last of two,
            or labels. Any other's: numbers.

    Examples:
        >>> from interlock.domain.contract import Field
        >>> outputs = (Field(name="label", datatype="BYTES"), Field(name="probabilities", datatype="FP64", shape=(2,)))
        >>> binary = Contract(inputs=(), outputs=outputs, task="binary", classes=("no", "yes"))
        >>> outputs_of([0.25, 0.75], binary)["label"].tolist()
        ['no', 'yes']
    """
    if not contract.outputs:
        given = answer if isinstance(answer, Mapping) else {ANSWER: answer}
        return {str(name): np.asarray(values) for name, values in given.items()}
    if contract.is_classifier:
        return _classified(answer, contract)
    numbers = np.asarray(_named(answer, "prediction"), dtype=np.float64)
    return {"prediction": numbers if contract.outputs[0].shape else numbers.reshape(-1)}


def labels_of(values: Any, classes: tuple[Scalar, ...]) -> NDArray[Any]:
    """Labels in the element type of the classes."""
    dtype: dict[type, Any] = {bool: np.bool_, int: np.int64, float: np.float64, str: object}
    return np.asarray(values, dtype=dtype[type(classes[0])]).reshape(-1)


def probabilities_of(values: Any, classes: tuple[Scalar, ...]) -> NDArray[np.float64]:
    """Rows of probabilities; a single one a row is that of the last of two classes."""
    found = np.asarray(values, dtype=np.float64)
    if found.ndim == 1 or found.shape[1] == 1 < len(classes):
        last = found.reshape(-1)
        return np.column_stack((1 - last, last))
    return found


def _classified(answer: Any, contract: Contract) -> dict[str, NDArray[Any]]:
    classes = contract.classes
    if all(field.name != "probabilities" for field in contract.outputs):
        return {"label": labels_of(_named(answer, "label"), classes)}
    probabilities = probabilities_of(_named(answer, "probabilities"), classes)
    if isinstance(answer, Mapping) and "label" in answer:
        return {"label": labels_of(answer["label"], classes), "probabilities": probabilities}
    if probabilities.shape[1] != len(classes):
        return {"probabilities": probabilities}  # which is refused for its shape, and not for a class out of range
    known = np.array(classes, dtype=object if isinstance(classes[0], str) else None)
    return {"label": known[probabilities.argmax(axis=1)], "probabilities": probabilities}


def _named(answer: Any, name: str) -> Any:
    if not isinstance(answer, Mapping):
        return answer
    if name not in answer:
        raise KeyError(f"the answer has {sorted(map(str, answer))}, and lacks {name!r}")
    return answer[name]
