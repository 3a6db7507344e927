"""A model on somebody else's server: what its metadata and its first answers say, in the contract's words.

Called by the examining process. The protocol names tensors as it likes; which of them are labels and probabilities is
told by their types and values.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Datatype, Field
from interlock.domain.errors import UnloadableModelError
from interlock.registry.outputs import are_probabilities
from interlock.runtimes.facts import Facts
from interlock.runtimes.open_inference import Tensor
from interlock.runtimes.raw_answers import ANSWER
from interlock.runtimes.remote import RemoteModel, RemotePredictor

_DATATYPES: dict[str, Datatype] = {
    "BOOL": "BOOL",
    "UINT8": "INT32",
    "UINT16": "INT32",
    "UINT32": "INT64",
    "UINT64": "INT64",
    "INT8": "INT32",
    "INT16": "INT32",
    "INT32": "INT32",
    "INT64": "INT64",
    "FP16": "FP32",
    "FP32": "FP32",
    "FP64": "FP64",
    "BYTES": "BYTES",
}

# What MLServer calls the one tensor of a model that names none.
_UNNAMED = "input-0"

_OURS = ("label", "probabilities", "prediction")


class RemoteSource:
    """A remote model while it is registered: what it is becomes known step by step.

    Args:
        model: As its server's metadata describe it.

    Raises:
        UnloadableModelError: It takes what cannot be served.
    """

    def __init__(self, model: RemoteModel) -> None:
        self._model = model
        self.facts = Facts(kind=f"remote {model.address.path}", inputs=tuple(_field(one) for one in model.inputs))

    def ask(self, inputs: tuple[Field, ...], rows: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        """Its answers to some rows, under the names that the contract has for them."""
        names = {tensor.name for tensor in self._model.inputs}
        if not {field.name for field in inputs} <= names:
            matrix = self._model.inputs[0].name if self._model.inputs else _UNNAMED
            self._model = msgspec.structs.replace(self._model, matrix=matrix)
        predictor = RemotePredictor(self._model, Contract(inputs=inputs, outputs=()))
        try:
            answers = predictor.predict(rows)
        finally:
            predictor.close()
        roles = roles_of(answers)
        self._model = msgspec.structs.replace(self._model, roles=roles)
        return {role: answers[name] for role, name in roles.items()}

    def finished(self) -> RemoteModel:
        """What is stored, once it has been asked."""
        return self._model


def roles_of(answers: Mapping[str, NDArray[Any]]) -> dict[str, str]:
    """What the contract calls each output that it takes, to the server's name for it.

    Raises:
        UnloadableModelError: There is no output at all.

    Examples:
        >>> import numpy as np
        >>> probabilities, labels = np.array([[0.2, 0.8], [0.9, 0.1]]), np.array([1, 0])
        >>> roles_of({"predict": labels, "predict_proba": probabilities})
        {'probabilities': 'predict_proba', 'label': 'predict'}
        >>> roles_of({"output__0": probabilities})
        {'answer': 'output__0'}
    """
    if not answers:
        raise UnloadableModelError("the server answers without outputs")
    known = {name: name for name in _OURS if name in answers}
    if known:
        return known
    if len(answers) == 1:
        return {ANSWER: next(iter(answers))}
    probabilities = next((name for name, values in answers.items() if _are_rows_of_probabilities(values)), None)
    if probabilities is None:
        return {ANSWER: next(iter(answers))}
    label = next((name for name, values in answers.items() if _are_labels(values)), None)
    return {"probabilities": probabilities, **({"label": label} if label else {})}


def _are_rows_of_probabilities(values: NDArray[Any]) -> bool:
    return values.dtype.kind == "f" and values.ndim == 2 and values.shape[1] > 1 and are_probabilities(values)


def _are_labels(values: NDArray[Any]) -> bool:
    one_a_row = values.ndim == 1 or (values.ndim == 2 and values.shape[1] == 1)
    return values.dtype.kind in "iubO" and one_a_row


def _field(tensor: Tensor) -> Field:
    if tensor.datatype not in _DATATYPES:
        raise UnloadableModelError(f"input {tensor.name!r} has datatype {tensor.datatype!r}, which cannot be served")
    if tensor.shape[:1] not in ((-1,), (1,)):
        raise UnloadableModelError(
            f"input {tensor.name!r} has shape {list(tensor.shape)}; its first axis must be the rows, of any number"
        )
    rest = tensor.shape[1:]
    return Field(name=tensor.name, datatype=_DATATYPES[tensor.datatype], shape=() if rest in ((), (1,)) else rest)
