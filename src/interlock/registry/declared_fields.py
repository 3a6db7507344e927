"""A learnt contract, and what a person declared about it, become the contract that holds.

Called by `derive`. It refuses what contradicts itself, and what the model cannot be fed with.
"""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import msgspec
import numpy as np

from interlock.domain import image_file, times
from interlock.domain.contract import MOST_PIXELS, Contract, Datatype, Field, Image, Time
from interlock.domain.declaration import Declaration, DeclaredField, FieldType, image_share
from interlock.domain.errors import InvalidInputError
from interlock.domain.ports import Columns
from interlock.stats import image_descriptors

_DATATYPES: dict[FieldType, Datatype] = {
    "number": "FP64",
    "integer": "INT64",
    "boolean": "BOOL",
    "text": "BYTES",
    "category": "BYTES",
    "tensor": "FP64",
    "image": "UINT8",
}

# What may be said of a field of each type, besides type, nullable and privacy.
_SAYABLE: dict[FieldType, frozenset[str]] = {
    "number": frozenset({"datatype", "categories", "minimum", "maximum", "declared", "measured_in"}),
    "integer": frozenset({"datatype", "categories", "minimum", "maximum", "declared", "measured_in"}),
    "boolean": frozenset({"datatype"}),
    "text": frozenset({"datatype"}),
    "category": frozenset({"datatype", "categories", "declared", "model_takes"}),
    "date": frozenset({"unit", "model_takes", "resolution", "minimum", "maximum", "declared"}),
    "timestamp": frozenset({"zone", "unit", "model_takes", "resolution", "minimum", "maximum", "declared"}),
    "tensor": frozenset({"datatype", "shape", "categories", "minimum", "maximum", "declared", "measured_in"}),
    "image": frozenset({"shape", "formats", "max_bytes", "max_pixels", "resize", "keep"}),
}
_ALWAYS = frozenset({"type", "nullable", "privacy"})

_OF_OUTPUT = frozenset({"privacy", "minimum", "maximum", "measured_in"})
# Their values are the contract's classes, and shares.
_OF_CLASSES = ("label", "probabilities")

# A unit, not a sentence.
_MOST_OF_UNIT = 40


def inputs(learnt: Sequence[Field], declaration: Declaration, *, is_guess: bool) -> tuple[Field, ...]:
    """Override the inputs of a model.

    Args:
        learnt: Of the model.
        declaration: What a person says.
        is_guess: Whether nothing told the types of `learnt`: no reference, no signature, no graph.

    Raises:
        InvalidInputError: A field is not known, or what is said of it cannot be; all faults at once.
    """
    faults: list[str] = []
    found = _side("inputs", learnt, declaration.inputs, faults, is_guess=is_guess)
    _check_names(found, faults)
    if faults:
        raise InvalidInputError(*faults)
    return found


def outputs(contract: Contract, declaration: Declaration) -> Contract:
    """Override the outputs of a contract.

    Raises:
        InvalidInputError: An output is not known, or something is said of it that cannot be.
    """
    faults = [
        f"contract: outputs.{name}: only {', '.join(sorted(may))} can be declared of it, not {', '.join(sorted(more))}"
        for name, said in declaration.outputs.items()
        if (more := said.given().keys() - (may := _sayable_of_output(contract, name)))
    ]
    if faults:
        raise InvalidInputError(*faults)
    found = _side("outputs", contract.outputs, declaration.outputs, faults)
    if faults:
        raise InvalidInputError(*faults)
    return msgspec.structs.replace(contract, outputs=found)


def _sayable_of_output(contract: Contract, name: str) -> frozenset[str]:
    return frozenset({"privacy"}) if contract.is_classifier and name in _OF_CLASSES else _OF_OUTPUT


def complete(declaration: Declaration) -> tuple[Field, ...]:
    """Inputs that nothing but a declaration tells.

    Raises:
        InvalidInputError: A field lacks its type, or what is said of it cannot be.
    """
    faults = [
        f"contract: inputs.{name} lacks its type"
        for name, said in declaration.inputs.items()
        if said.type is None and said.datatype is None
    ]
    blank = [Field(name=name, datatype=_blank(said)) for name, said in declaration.inputs.items()]
    found = _side("inputs", blank, declaration.inputs, faults, is_guess=True)
    _check_names(found, faults)
    if faults:
        raise InvalidInputError(*faults)
    return found


def _blank(said: DeclaredField) -> Datatype:
    return said.datatype or _DATATYPES.get(said.type or "text", "BYTES")


def _side(
    side: str,
    learnt: Sequence[Field],
    declared: Mapping[str, DeclaredField],
    faults: list[str],
    *,
    is_guess: bool = False,
) -> tuple[Field, ...]:
    known = [field.name for field in learnt]
    for name in declared:
        if name not in known:
            faults.append(f"contract: {side}.{name} is not known; the model's {side} are {', '.join(known[:40])}")
    found = []
    for field in learnt:
        said = declared.get(field.name)
        if said is None:
            found.append(field)
            continue
        try:
            found.append(_Override(field, said, is_guess=is_guess).field())
        except InvalidInputError as error:
            faults += [f"contract: {side}.{field.name}: {fault}" for fault in error.faults]
            found.append(field)
    return tuple(found)


def broken(fields: Sequence[Field], columns: Columns) -> list[str]:
    """Warnings on reference rows that break what is declared: such requests will be refused."""
    found = []
    for field in fields:
        values = columns[field.name]
        if not field.declared or values.ndim != 1:
            continue
        if field.categories is not None:
            known = set(field.categories)
            many = sum(value is not None and str(value) not in known for value in values.tolist())
        else:
            numbers = times.seconds(values) if field.time is not None else values
            low = -np.inf if field.minimum is None else field.minimum
            high = np.inf if field.maximum is None else field.maximum
            many = int(((numbers < low) | (numbers > high)).sum())
        if many:
            found.append(f"{many} reference row(s) break what is declared of {field.name!r}, and will be refused")
    return found


class _Override:
    """One field and what is said of it."""

    def __init__(self, learnt: Field, said: DeclaredField, *, is_guess: bool) -> None:
        self._learnt, self._said, self._is_guess = learnt, said, is_guess
        self._type = said.type or _type_of(learnt, said)
        self._given = said.given()

    def field(self) -> Field:
        wrong = sorted(self._given.keys() - _SAYABLE[self._type] - _ALWAYS)
        if wrong:
            may = ", ".join(sorted(_SAYABLE[self._type]))
            raise InvalidInputError(
                f"{', '.join(wrong)} cannot be said of a field of type {self._type}; only {may} can"
            )
        changes: dict[str, Any] = {}
        if self._type in ("date", "timestamp"):
            changes |= self._as_time()
        elif self._type == "image":
            changes |= self._as_image()
        else:
            changes |= self._as_plain()
        changes |= self._rules()
        for name in ("nullable", "privacy", "measured_in"):
            if name in self._given:
                changes[name] = self._given[name]
        if len(self._said.measured_in or "") > _MOST_OF_UNIT:
            raise InvalidInputError(f"measured_in is longer than {_MOST_OF_UNIT} characters; give a unit, like km")
        found = msgspec.structs.replace(self._learnt, **changes)
        _check_nullable(found)
        return _discreet(found)

    def _as_plain(self) -> dict[str, Any]:
        said, learnt = self._said, self._learnt
        learnt_datatype = None if self._is_changed() else learnt.datatype
        datatype = said.datatype or learnt_datatype or _DATATYPES[self._type]
        shape = learnt.shape if said.shape is None else said.shape
        if self._type == "tensor" and (not shape or any(size < -1 for size in shape) or len(shape) > 7):
            raise InvalidInputError(f"shape == {list(shape)}, must be 1 to 7 sizes, -1 for any length")
        if self._type == "tensor" and said.shape is not None:
            self._check_fed(said.shape)
        if self._type != "tensor" and learnt.shape:
            raise InvalidInputError(f"the model takes a tensor of the shape {list(learnt.shape)}; say type: tensor")
        found: dict[str, Any] = {"datatype": datatype, "shape": shape, "time": None, "image": None}
        if self._is_changed():
            found |= {"minimum": None, "maximum": None, "categories": None, "is_category": False}
        if self._type == "text":
            found |= {"categories": None, "is_category": False}
        if said.model_takes is not None:
            if said.model_takes not in ("text", "category"):
                raise InvalidInputError(f"model_takes == {said.model_takes!r}, must be text or category")
            found["is_category"] = said.model_takes == "category"
        return found

    def _check_fed(self, shape: tuple[int, ...]) -> None:
        """A model that takes a tensor takes one of its own shape, or the same values in another order of axes."""
        takes = self._learnt.shape
        ways = (shape, (shape[-1], *shape[:-1]), (prod(shape),))
        if takes and not any(_are_alike(takes, way) for way in ways if -1 not in shape or way != ways[2]):
            raise InvalidInputError(f"shape == {list(shape)}, and the model takes {list(takes)}")

    def _is_changed(self) -> bool:
        """Whether it is another thing than was learnt."""
        return self._said.type is not None and _group(self._said.type) != _group(_type_of(self._learnt, None))

    def _as_time(self) -> dict[str, Any]:
        learnt = self._learnt
        if learnt.shape:
            raise InvalidInputError(f"the model takes a tensor of the shape {list(learnt.shape)}, which is no time")
        if self._given.get("model_takes") == "category":
            raise InvalidInputError("model_takes == 'category', must be datetime, text or integer")
        was = learnt.time or Time(model_takes=self._trained_on())
        names = ("zone", "unit", "model_takes", "resolution")
        changed = {name: self._given[name] for name in names if name in self._given}
        time = msgspec.structs.replace(was, is_date=self._type == "date", **changed)
        if time.zone is not None and not times.is_zone(time.zone):
            raise InvalidInputError(f"zone == {time.zone!r}, must be one by name, like UTC or Europe/Berlin")
        if (time.unit == "d") != time.is_date and time.unit is not None:
            raise InvalidInputError(f"unit == {time.unit!r}, must be d for dates, and s, ms, us or ns for timestamps")
        if time.model_takes == "integer" and time.unit is None:
            raise InvalidInputError("the model takes integers; say what they count, like unit: s")
        found = {"datatype": "BYTES" if time.unit is None else "INT64", "time": time, "image": None, "shape": ()}
        dropped = {"categories": None, "is_category": False}
        was_time = learnt.time is not None
        return found | dropped | ({} if was_time else {"minimum": None, "maximum": None})

    def _trained_on(self) -> Any:
        """What the model takes for times, by what was learnt of the column."""
        if self._is_guess:
            return "datetime"
        return "text" if self._learnt.is_text else "integer"

    def _as_image(self) -> dict[str, Any]:
        said, learnt = self._said, self._learnt
        image_file.require_pillow()
        was = learnt.image or Image()
        names = ("formats", "max_bytes", "max_pixels", "resize")
        changed = {name: self._given[name] for name in names if name in self._given}
        if said.keep is not None:
            changed["keep"] = image_share(said.keep)
        image = msgspec.structs.replace(was, **changed)
        if not 0 < image.max_pixels <= MOST_PIXELS or image.max_bytes <= 0 or not image.formats:
            raise InvalidInputError(f"max_pixels must be 1 to {MOST_PIXELS}, max_bytes above 0, formats png or jpeg")
        shape = said.shape or image_shape(learnt.shape)
        if len(shape) != 3 or shape[2] not in (1, 3, 4) or any(size < -1 or size == 0 for size in shape[:2]):
            raise InvalidInputError(
                f"shape == {list(shape)}, must be [height, width, channels] with 1, 3 or 4 channels, -1 for any size"
            )
        if image.resize is not None and -1 in shape:
            raise InvalidInputError(f"resize needs a height and width to resize to, and the shape is {list(shape)}")
        self._check_fed(shape)
        return {
            "datatype": "UINT8", "shape": shape, "image": image, "time": None, "minimum": None, "maximum": None,
            "categories": None, "is_category": False,
        }  # fmt: skip

    def _rules(self) -> dict[str, Any]:
        """Range and categories: what is declared refuses, and only that."""
        said = self._said
        found: dict[str, Any] = {}
        if said.categories is not None:
            if not said.categories:
                raise InvalidInputError("categories is empty, must name at least one")
            found["categories"] = tuple(dict.fromkeys(str(category) for category in said.categories))
        bounds = {
            name: _bound(name, self._given[name], self._type) for name in ("minimum", "maximum") if name in self._given
        }
        if bounds:
            found |= {"minimum": None, "maximum": None} | bounds
            if None not in found.values() and found["minimum"] > found["maximum"]:
                raise InvalidInputError(f"minimum == {said.minimum}, must not be above maximum == {said.maximum}")
        if found or said.declared is not None:
            found["declared"] = said.declared is not False
        return found


def _type_of(field: Field, said: DeclaredField | None) -> FieldType:
    """The type of a field where none is said."""
    if field.time is not None:
        return "date" if field.time.is_date else "timestamp"
    if field.image is not None:
        return "image"
    if field.shape or (said is not None and said.shape):
        return "tensor"
    datatype = field.datatype if said is None or said.datatype is None else said.datatype
    if datatype == "BYTES":
        has_categories = field.categories is not None or (said is not None and said.categories is not None)
        return "category" if has_categories else "text"
    return "boolean" if datatype == "BOOL" else "number" if datatype in ("FP32", "FP64") else "integer"


def _are_alike(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return len(one) == len(other) and all(a == b or -1 in (a, b) for a, b in zip(one, other, strict=True))


def _group(kind: FieldType) -> str:
    return {"text": "text", "category": "text", "number": "number", "integer": "integer"}.get(kind, kind)


def _bound(name: str, value: Any, kind: FieldType) -> float:
    if kind in ("date", "timestamp"):
        # A bound is compared with what the log would hold, whatever the zone.
        text = str(value)
        for zone in ("UTC", None):
            found = times.parse(text, Time(is_date=kind == "date", zone=zone))
            if found is not None:
                return found / 1e6
        raise InvalidInputError(f"{name} == {value!r}, must be a {kind} in ISO 8601")
    if isinstance(value, str):
        raise InvalidInputError(f"{name} == {value!r}, must be a number")
    return float(value)


def _discreet(field: Field) -> Field:
    """Without values of reference rows where a rule keeps values out of the log: every viewer may read a contract."""
    if field.privacy == "keep" or field.declared or field.is_category:
        return field
    return msgspec.structs.replace(field, categories=None, minimum=None, maximum=None)


def _check_nullable(field: Field) -> None:
    if not field.nullable:
        return
    if field.image is not None or field.is_integer or field.datatype == "BOOL":
        what = "an image" if field.image is not None else f"a field of datatype {field.datatype}"
        raise InvalidInputError(f"{what} cannot be missing; use type: number for numbers that may be")
    if field.time is not None and field.time.model_takes == "integer":
        raise InvalidInputError("a time that the model takes as an integer cannot be missing")


def image_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Height, width and channels of a tensor that a model takes, which may have the channels first."""
    if len(shape) == 3 and shape[0] in (1, 3, 4) and shape[2] not in (1, 3, 4):
        return (*shape[1:], shape[0])
    return shape


def _check_names(fields: Sequence[Field], faults: list[str]) -> None:
    """Columns of the log that would have the same name."""
    names = {field.name for field in fields}
    for field in fields:
        if field.name.endswith("~hash"):
            faults.append(f"contract: an input may not be called {field.name!r}; the log calls hashed columns so")
        clash = sorted(names & {f"{field.name}.{one}" for one in image_descriptors.NAMES}) if field.image else []
        if clash:
            faults.append(f"contract: inputs {', '.join(clash)} have the names of descriptors of image {field.name!r}")
