"""The contract of a model: what it takes and gives, learnt from what is there.

Called by the examining process. Reference data says most; then an MLflow signature, an ONNX graph, a fitted estimator.
It refuses to guess: what cannot be known is asked for, by the option that answers it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Field, Time
from interlock.domain.declaration import Declaration
from interlock.domain.errors import InvalidInputError, UnloadableModelError
from interlock.registry import declared_fields, onnx_graph, outputs, signature
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


def derive(
    source: LoadedSource,
    reference: Reference | None,
    label: str | None,
    ask: Ask,
    declaration: Declaration | None = None,
) -> Derived:
    """Learn a contract.

    Args:
        source: The model.
        reference: Rows like those to come.
        label: Column of the reference that holds the truth.
        ask: Called for a model that does not say what it gives.
        declaration: What a person says: overrides what is learnt, and completes it.

    Raises:
        InvalidInputError: The reference lacks columns that the model needs, or the label; or what is declared cannot
            be.
        UnloadableModelError: What the model takes or gives cannot be found out, and what would help.
    """
    said = declaration or Declaration()
    if reference is not None and label is not None and label not in reference.names:
        raise InvalidInputError(f"label == {label!r}, must be a column of the reference: {', '.join(reference.names)}")
    warnings: list[str] = []
    learnt = _inputs(source, reference, label, said, warnings)
    inputs = declared_fields.inputs(learnt, said, is_guess=_is_guess(source, reference))
    _check_units(inputs)
    truth: Sequence[Any] | None = said.classes
    if truth is None and reference is not None and label:
        truth = _distinct(reference.label(label))
    contract = _with_outputs(source, inputs, truth, warnings, ask)
    if said.classes is not None and set(said.classes) != set(contract.classes):
        raise InvalidInputError(
            f"contract: classes == {list(said.classes)}, and the model's are {list(contract.classes)}"
        )
    return Derived(declared_fields.outputs(contract, said), tuple(warnings))


def _is_guess(source: LoadedSource, reference: Reference | None) -> bool:
    """Whether nothing tells the types of inputs: no reference, graph, signature, or word of the model."""
    if reference is not None or source.graph is not None or _facts(source).inputs:
        return False
    return signature.inputs(source.mlmodel) is None


def _check_units(inputs: tuple[Field, ...]) -> None:
    """A model that takes a time as an integer counts something since 1970, and only a person knows what."""
    for field in inputs:
        if field.time is not None and field.time.model_takes == "integer" and field.time.unit is None:
            raise InvalidInputError(
                f"input {field.name!r} is a time, and the model takes a number; say what it counts in a file with "
                "--contract, like type: timestamp and unit: s"
            )


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
    source: LoadedSource, reference: Reference | None, label: str | None, said: Declaration, warnings: list[str]
) -> tuple[Field, ...]:
    known = _known_inputs(source, reference, said, warnings)
    if reference is None:
        return known
    if not known:
        return _from_matrix(-1, reference, label)
    if len(known) == 1 and len(known[0].shape) == 1 and known[0].name not in reference.names:
        return _from_matrix(known[0].shape[0], reference, label)
    is_known = not _knows_columns(_facts(source))
    return _from_reference(known, reference, label, said, warnings, is_known=is_known)


def _knows_columns(facts: Facts) -> bool:
    """Whether a model knows names or number of its columns, and no types."""
    return bool(facts.names) or facts.width is not None


def parameters(source: LoadedSource, warnings: list[str]) -> tuple[Field, ...]:
    """What callers may give a model beside the data. Only MLflow itself knows what to do with it.

    Args:
        warnings: Grows by those that they cannot give.
    """
    if _facts(source).kind == "pyfunc":
        return signature.parameters(source.mlmodel, warnings)
    if names := signature.parameter_names(source.mlmodel):
        warnings.append(f"callers cannot give {', '.join(names)}: a model of this kind takes no parameters")
    return ()


def _known_inputs(
    source: LoadedSource, reference: Reference | None, said: Declaration, warnings: list[str]
) -> tuple[Field, ...]:
    """What the model takes, by its own word; nothing where it takes whatever the reference has."""
    signed, given = signature.inputs(source.mlmodel), parameters(source, warnings)
    facts = _facts(source)
    # With reference data the types are learnt there, and an estimator knows its own columns best.
    if signed is not None and (reference is None or not _knows_columns(facts)):
        return (*signed, *given)
    if source.graph is not None:
        return onnx_graph.inputs(source.graph)
    if facts.inputs:
        return facts.inputs
    if _knows_columns(facts):
        return _untyped(facts, reference, said, warnings)
    if reference is not None and not source.mlmodel:
        return ()
    if said.inputs:
        return declared_fields.complete(said)
    raise UnloadableModelError(_no_columns(source))


def _untyped(facts: Facts, reference: Reference | None, said: Declaration, warnings: list[str]) -> tuple[Field, ...]:
    """Numbers in the columns that a model knows, until something tells their types."""
    if facts.names:
        if reference is None and not set(facts.names) <= said.inputs.keys():
            warnings.append("no reference data: every input is taken for a number; give --reference to learn the types")
        return tuple(Field(name=name, datatype="FP64") for name in facts.names)
    width = facts.width if facts.width is not None else -1
    if reference is None and not said.inputs:
        warnings.append(f"no reference data: the model is fed one vector `input` of {width} numbers")
    return (Field(name="input", datatype="FP64", shape=(width,)),)


def _no_columns(source: LoadedSource) -> str:
    if source.mlmodel:
        return (
            "the MLflow model has no signature that names types; log it with one, or with an input_example, or name "
            "its inputs in a file with --contract"
        )
    return "the model does not say what it takes; give --reference data, or name its inputs in a file with --contract"


def _from_reference(
    known: Sequence[Field],
    reference: Reference,
    label: str | None,
    said: Declaration,
    warnings: list[str],
    *,
    is_known: bool,
) -> tuple[Field, ...]:
    """Fields by the reference's columns. `is_known`: whether the model tells types, and not only names."""
    names = [field.name for field in known]
    missing = [name for name in names if name not in reference.names]
    if missing:
        raise InvalidInputError(
            f"the reference lacks the column(s) {', '.join(missing)}, which the model needs; "
            f"it has {', '.join(reference.names)}"
        )
    ignored = [name for name in reference.names if name not in {*names, label, _PANDAS_INDEX}]
    if ignored:
        warnings.append(f"reference column(s) {', '.join(ignored)} are ignored: the model does not take them")
    if label in names:
        warnings.append(f"the label {label!r} is also an input of the model")
    return tuple(_learnt(field, reference, said, is_known=is_known) for field in known)


def _learnt(known: Field, reference: Reference, said: Declaration, *, is_known: bool) -> Field:
    """A field as the reference shows it, within what the model is known to take."""
    if known.is_parameter:
        return known
    declared = said.inputs.get(known.name)
    try:
        found = reference.field(known.name)
    except InvalidInputError:
        if declared is None or declared.type is None:
            raise
        return known  # a person says what the column's type does not
    if found.image is not None:
        return msgspec.structs.replace(found, shape=_image_shape(known, found))
    if found.time is not None:
        return msgspec.structs.replace(found, time=_fed(found.time, known)) if is_known else found
    if known.shape or found.shape:
        told = known if is_known else found
        return msgspec.structs.replace(told, shape=known.shape or found.shape, nullable=found.nullable)
    return found


def _fed(time: Time, known: Field) -> Time:
    """A time as a model takes it that tells its own types."""
    if known.time is not None:
        return msgspec.structs.replace(
            time, model_takes=known.time.model_takes, resolution=known.time.resolution, unit=known.time.unit
        )
    return msgspec.structs.replace(time, model_takes="text" if known.is_text else "integer")


def _image_shape(known: Field, found: Field) -> tuple[int, ...]:
    """The shape that a model takes where it takes images, else that of the reference's."""
    shape = declared_fields.image_shape(known.shape)
    return shape if len(shape) == 3 and shape[2] in (1, 3, 4) else found.shape


def _from_matrix(width: int, reference: Reference, label: str | None) -> tuple[Field, ...]:
    names = [name for name in reference.names if name not in (label, _PANDAS_INDEX)]
    if len(names) == 1 and (found := reference.field(names[0])).image is not None:
        return (found,)
    if width not in (-1, len(names)):
        hint = "" if label else "; name the label's column with --label"
        raise InvalidInputError(
            f"the model takes {width} values a row, and the reference has {len(names)} columns "
            f"({', '.join(names[:20])}){hint}"
        )
    return tuple(reference.field(name) for name in names)
