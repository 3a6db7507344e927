"""The contract of a model: what it takes and gives, learnt from what is there.

Called by the examining process. Reference data says most; then an MLflow signature, an ONNX graph, a fitted estimator.
It refuses to guess: what cannot be known is asked for, by the option that answers it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from interlock.domain.contract import Contract, Field
from interlock.domain.errors import InvalidInputError, UnloadableModelError
from interlock.registry import onnx_graph, signature
from interlock.registry.outputs import estimator_outputs
from interlock.registry.reference import Reference
from interlock.registry.source import LoadedSource

# pandas writes its row numbers as a column; nobody meant it.
_PANDAS_INDEX = "__index_level_0__"


@dataclass(frozen=True)
class Derived:
    """A contract, and what a person should know about how it came to be."""

    contract: Contract
    warnings: tuple[str, ...]


def derive(source: LoadedSource, reference: Reference | None, label: str | None) -> Derived:
    """Learn a contract.

    Raises:
        InvalidInputError: The reference lacks columns that the model needs, or the label.
        UnloadableModelError: What the model takes or gives cannot be found out, and what would help.
    """
    if reference is not None and label is not None and label not in reference.names:
        raise InvalidInputError(f"label == {label!r}, must be a column of the reference: {', '.join(reference.names)}")
    warnings: list[str] = []
    inputs = _inputs(source, reference, label, warnings)
    truth = sorted(set(reference.label(label)) - {None}, key=str) if reference is not None and label else None
    return Derived(_with_outputs(source, inputs, truth, warnings), tuple(warnings))


def _with_outputs(
    source: LoadedSource, inputs: tuple[Field, ...], truth: Sequence[Any] | None, warnings: list[str]
) -> Contract:
    if source.estimator is not None:
        return estimator_outputs(source.estimator, inputs)
    if source.graph is not None:
        return onnx_graph.outputs(source.graph, inputs, truth, warnings)
    return signature.outputs(source.mlmodel, inputs, truth)


def _inputs(
    source: LoadedSource, reference: Reference | None, label: str | None, warnings: list[str]
) -> tuple[Field, ...]:
    known = _known_inputs(source, reference, warnings)
    if reference is None:
        return known
    if all(not field.shape for field in known):
        return _from_reference([field.name for field in known], reference, label, warnings)
    width = known[0].shape[0] if len(known) == 1 and len(known[0].shape) == 1 else None
    if width is None:
        raise InvalidInputError("the model takes tensors, which reference data cannot describe; register it without")
    return _from_matrix(width, reference, label)


def _known_inputs(source: LoadedSource, reference: Reference | None, warnings: list[str]) -> tuple[Field, ...]:
    signed = signature.inputs(source.mlmodel)
    # With reference data the types are learnt there, and an estimator knows its own columns best.
    if signed is not None and (reference is None or source.estimator is None):
        return signed
    if source.graph is not None:
        return onnx_graph.inputs(source.graph)
    if source.estimator is not None:
        return _of_estimator(source.estimator, reference, warnings)
    raise UnloadableModelError(
        "the MLflow model has no signature that names types; log it with one, or with an input_example"
    )


def _of_estimator(estimator: Any, reference: Reference | None, warnings: list[str]) -> tuple[Field, ...]:
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None:
        if reference is None:
            warnings.append("no reference data: every input is taken for a number; give --reference to learn the types")
        return tuple(Field(name=str(name), datatype="FP64") for name in names)
    width = getattr(estimator, "n_features_in_", None)
    if width is None:
        raise UnloadableModelError("the model does not say what it takes; fit it with named columns")
    if reference is None:
        warnings.append(f"no reference data: the model is fed one vector `input` of {width} numbers")
    return (Field(name="input", datatype="FP64", shape=(int(width),)),)


def _from_reference(
    names: list[str], reference: Reference, label: str | None, warnings: list[str]
) -> tuple[Field, ...]:
    missing = [name for name in names if name not in reference.names]
    if missing:
        raise InvalidInputError(
            f"the reference lacks the column(s) {', '.join(missing)}, which the model needs; "
            f"it has {', '.join(reference.names)}"
        )
    known = {*names, label, _PANDAS_INDEX}
    ignored = [name for name in reference.names if name not in known]
    if ignored:
        warnings.append(f"reference column(s) {', '.join(ignored)} are ignored: the model does not take them")
    if label in names:
        warnings.append(f"the label {label!r} is also an input of the model")
    return tuple(reference.field(name) for name in names)


def _from_matrix(width: int, reference: Reference, label: str | None) -> tuple[Field, ...]:
    names = [name for name in reference.names if name != label]
    if width not in (-1, len(names)):
        hint = "" if label else "; name the label's column with --label"
        raise InvalidInputError(
            f"the model takes {width} values a row, and the reference has {len(names)} columns "
            f"({', '.join(names[:20])}){hint}"
        )
    return tuple(reference.field(name) for name in names)
