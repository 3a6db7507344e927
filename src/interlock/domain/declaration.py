"""What a person declares about a contract: a file that overrides what was learnt, or completes what nothing told.

Read by the command line (YAML or JSON), sent as plain JSON, checked wherever it arrives. Only what stands in the file
changes: a column that is not named stays as it was learnt. Documented in docs/contracts.md.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

import msgspec

from interlock.domain.contract import Datatype, PrivacyRule, Resize, Scalar, TimeUnit
from interlock.domain.errors import InvalidInputError

FieldType = Literal["number", "integer", "boolean", "text", "category", "date", "timestamp", "tensor", "image"]

SIDES = ("inputs", "outputs")


class DeclaredField(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said of one field; None where nothing is.

    Args:
        type: What it is. By default what was learnt.
        datatype: Element type, where `type` leaves a choice: FP32 or FP64 for a number, any for a tensor.
        shape: Of one row, -1 for any length. Of an image height, width, channels.
        nullable: Whether it may be missing.
        categories: The values that there are; others are refused.
        minimum, maximum: Others are refused. Of dates and timestamps as text.
        declared: False: range and categories are watched only. True: those that were learnt are rules.
        zone, unit, model_takes, resolution: As of `Time`; `model_takes: category` for a model trained on pandas'
            categories.
        formats, max_bytes, max_pixels, resize: As of `Image`.
        keep: Images that the log keeps: `all`, `none`, or a share.
        privacy: What the log gets of it.
        measured_in: Of numbers, what they count.
    """

    type: FieldType | None = None
    datatype: Datatype | None = None
    shape: tuple[int, ...] | None = None
    nullable: bool | None = None
    categories: tuple[str | int | float, ...] | None = None
    minimum: float | str | None = None
    maximum: float | str | None = None
    declared: bool | None = None
    zone: str | None = None
    unit: TimeUnit | None = None
    model_takes: Literal["datetime", "text", "integer", "category"] | None = None
    resolution: Literal["s", "ms", "us", "ns"] | None = None
    formats: tuple[Literal["png", "jpeg"], ...] | None = None
    max_bytes: int | None = None
    max_pixels: int | None = None
    resize: Resize | None = None
    keep: Literal["all", "none"] | float | None = None
    privacy: PrivacyRule | None = None
    measured_in: str | None = None

    def given(self) -> dict[str, Any]:
        """What is said, by name."""
        return {name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not None}


class Declaration(msgspec.Struct, frozen=True, kw_only=True):
    """A contract file: fields by name, in the file's order, and the classes of a classifier that does not name them."""

    inputs: dict[str, DeclaredField] = {}
    outputs: dict[str, DeclaredField] = {}
    classes: tuple[Scalar, ...] | None = None


def parse(given: Any) -> Declaration:
    """Read a declaration out of what YAML or JSON gave.

    Raises:
        InvalidInputError: It breaks rules; all of them, each with its place.
    """
    faults: list[str] = []
    if not isinstance(given, Mapping):
        raise InvalidInputError("the contract must be a mapping with inputs, outputs or classes")
    unknown = [str(key) for key in given if key not in (*SIDES, "classes")]
    if unknown:
        faults.append(f"contract: {', '.join(unknown)} is not known; there is inputs, outputs and classes")
    sides = {side: _fields(side, given.get(side), faults) for side in SIDES}
    classes = _converted("classes", given.get("classes"), tuple[Scalar, ...] | None, faults)
    if faults:
        raise InvalidInputError(*faults)
    return Declaration(**sides, classes=classes)


def image_share(keep: Literal["all", "none"] | float) -> float:
    """A policy on images as the share of them that is kept.

    Raises:
        InvalidInputError: It is no share.

    Examples:
        >>> image_share("all"), image_share("none"), image_share(0.01)
        (1.0, 0.0, 0.01)
    """
    share = {"all": 1.0, "none": 0.0}.get(keep, -1.0) if isinstance(keep, str) else float(keep)
    if not 0 <= share <= 1:
        raise InvalidInputError(f"images == {keep!r}, must be all, none, or a share between 0 and 1")
    return share


def _fields(side: str, given: Any, faults: list[str]) -> dict[str, DeclaredField]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        faults.append(f"contract: {side} must be a mapping from names to what is said of them")
        return {}
    found = {}
    for name, said in given.items():
        place = f"{side}.{name}"
        field = _converted(place, {} if said is None else _plain(said), DeclaredField, faults)
        if field is not None:
            found[str(name)] = field
    return found


def _plain(said: Any) -> Any:
    """YAML makes dates of what looks like one; bounds are texts here."""
    if not isinstance(said, Mapping):
        return said
    return {str(key): value.isoformat() if isinstance(value, date) else value for key, value in said.items()}


def _converted(place: str, given: Any, kind: Any, faults: list[str]) -> Any:
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        said = str(error).replace(" - at `$.", ": `").replace("Object contains unknown field", "there is no")
        faults.append(f"contract: {place}: {said}")
        return None
