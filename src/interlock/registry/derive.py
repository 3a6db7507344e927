"""The contract of a model: what it takes and gives, learnt from what is there.

Called by the examining process. Reference data says most; then an MLflow signature, an ONNX graph, a fitted estimator.
It refuses to guess: what cannot be known is asked for, by the option that answers it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from interlock.domain.contract import Contract, Field
from interlock.domain.errors import InvalidInputError, UnloadableModelError
from interlock.registry import onnx_graph, outputs, signature
from interlock.registry.reference import Reference
from interlock.registry.source import LoadedSource
from interlock.runtimes.facts import Facts

# pandas writes its row numbers as a column; nobody meant it.
_PANDAS_INDEX = "__index_level_0__"


@dataclass(frozen=True)
class Derived:
    """A contract, and what a person should know about how it came to be."""

    contract: Contract
    warnings: tuple[str, ...]


Ask = Callable[[tuple[Field, ...]], Mapping[str, NDArray[Any]]]
"""Asks a model that takes these fields for its answers to some rows, whatever they are."""


def derive(source: LoadedSource, reference: Reference | None, label: str | None, ask: Ask) -> Derived:
    """Learn a contract.

    Args:
        ask: Called for a model that does not say what it gives.

    Raises:
        InvalidInputError: The reference lacks columns that the model needs, or the label.
        UnloadableModelError: What the model takes or gives cannot be found out, and what would help.
    """
    if reference is not None and label is not None and label not in reference.names:
        raise InvalidInputError(f"label == {label!r}, must be a column of the reference: {', '.join(reference.names)}")
    warnings: list[str] = []
    inputs = _inputs(source, reference, label, warnings)
    truth = _distinct(reference.label(label)) if reference is not None and label else None
    return Derived(_with_outputs(source, inputs, truth, warnings, ask), tuple(warnings))


def _distinct(values: Sequence[Any]) -> list[Any]:
    """Distinct values, sorted: by themselves, as frameworks sort classes; several types only as texts."""
    distinct = set(values) - {None}
    try:
        return sorted(distinct)
    except TypeError:
        return sorted(distinct, key=str)


def _with_outputs(
    source: LoadedSource, inputs: tuple[Field, ...], truth: Sequence[Any] | None, warnings: list[str], ask: Ask
) -> Contract:
    if source.graph is not None:
        return onnx_graph.outputs(source.graph, inputs, truth, warnings)
    facts = _facts(source)
    if facts.task is not None:
        return outputs.of_facts(facts, inputs, truth, warnings)
    if source.mlmodel:
        return signature.outputs(source.mlmodel, inputs, truth)
    return outputs.of_answers(ask(inputs), facts, inputs, truth, warnings)


def _facts(source: LoadedSource) -> Facts:
    return source.facts or Facts(kind=source.model_format)


def _inputs(
    source: LoadedSource, reference: Reference | None, label: str | None, warnings: list[str]
) -> tuple[Field, ...]:
    known = _known_inputs(source, reference, warnings)
    if reference is None:
        return known
    if known and all(not field.shape for field in known):
        return _from_reference([field.name for field in known], reference, label, warnings)
    width = known[0].shape[0] if len(known) == 1 and len(known[0].shape) == 1 else None
    if width is None and known:
        raise InvalidInputError("the model takes tensors, which reference data cannot describe; register it without")
    return _from_matrix(width or -1, reference, label)


def _known_inputs(source: LoadedSource, reference: Reference | None, warnings: list[str]) -> tuple[Field, ...]:
    """What the model takes, by its own word; nothing where it takes whatever the reference has."""
    signed = signature.inputs(source.mlmodel)
    facts = _facts(source)
    knows_columns = bool(facts.names) or facts.width is not None
    # With reference data the types are learnt there, and an estimator knows its own columns best.
    if signed is not None and (reference is None or not knows_columns):
        return signed
    if source.graph is not None:
        return onnx_graph.inputs(source.graph)
    if facts.inputs:
        return facts.inputs
    if facts.names:
        if reference is None:
            warnings.append("no reference data: every input is taken for a number; give --reference to learn the types")
        return tuple(Field(name=name, datatype="FP64") for name in facts.names)
    if facts.width is not None:
        if reference is None:
            warnings.append(f"no reference data: the model is fed one vector `input` of {facts.width} numbers")
        return (Field(name="input", datatype="FP64", shape=(facts.width,)),)
    if reference is None or source.mlmodel:
        raise UnloadableModelError(_no_columns(source))
    return ()


def _no_columns(source: LoadedSource) -> str:
    if source.mlmodel:
        return "the MLflow model has no signature that names types; log it with one, or with an input_example"
    return "the model does not say what it takes; give --reference data"


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
