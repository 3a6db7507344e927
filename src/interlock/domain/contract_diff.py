"""What differs between two contracts, and which differences break callers.

Called before a release starts: a candidate that takes or gives something else cannot answer in the champion's place.
"""

from collections.abc import Iterable
from math import inf
from typing import Literal

import msgspec

from interlock.domain.contract import INTEGER_RANGES, Contract, Field, Image

# Floats of either width travel as the same JSON number, and both are logged as doubles.
_SAME = {("FP64", "FP32"), ("FP32", "FP64")}


class Difference(msgspec.Struct, frozen=True):
    """One difference, in words. `breaking`: a request that the champion answers would fail, or mean something else.

    `name` is what it is about: `input.age`, `output.label`, `task` or `classes`. By it an approver may let it through.
    """

    kind: Literal["breaking", "compatible"]
    what: str
    name: str = ""


def diff(champion: Contract, candidate: Contract) -> tuple[Difference, ...]:
    """Name every difference between the contract callers use now and the candidate's.

    Examples:
        >>> old = Contract(inputs=(Field(name="x", datatype="FP64"),), outputs=())
        >>> diff(old, Contract(inputs=(Field(name="y", datatype="FP64"),), outputs=()))[0].what
        "input 'x' is gone"
    """
    found = _inputs(champion, candidate) + _outputs(champion, candidate)
    if champion.task != candidate.task:
        found.append(_breaking(f"task changed from {champion.task} to {candidate.task}", "task"))
    if champion.classes != candidate.classes:
        same_set = set(map(str, champion.classes)) == set(map(str, candidate.classes))
        change = "order of classes" if same_set else "classes"
        found.append(
            _breaking(f"{change} changed from {list(champion.classes)} to {list(candidate.classes)}", "classes")
        )
    return tuple(found)


def _breaking(what: str, name: str = "") -> Difference:
    return Difference("breaking", what, name)


def _about(name: str, found: Iterable[Difference]) -> list[Difference]:
    return [Difference(one.kind, one.what, name) for one in found]


def _inputs(champion: Contract, candidate: Contract) -> list[Difference]:
    found: list[Difference] = []
    for old in champion.inputs:
        new = candidate.input(old.name)
        differences = [_breaking(f"input {old.name!r} is gone")] if new is None else _input(old, new)
        found += _about(f"input.{old.name}", differences)
    for new in candidate.inputs:
        if champion.input(new.name) is None:
            is_optional = new.nullable or new.is_parameter
            what = f"optional input {new.name!r} is new" if is_optional else f"input {new.name!r} is new and required"
            found.append(Difference("compatible" if is_optional else "breaking", what, f"input.{new.name}"))
    return found


def _input(old: Field, new: Field) -> list[Difference]:
    found: list[Difference] = []
    if _kind(old) != _kind(new):
        change = f"input {old.name!r} changed from {_kind(old)} to {_kind(new)}"
        found.append(Difference("compatible" if _takes_all_of(new, old) else "breaking", change))
    if old.shape != new.shape:
        found.append(_breaking(f"input {old.name!r} changed shape from {list(old.shape)} to {list(new.shape)}"))
    if old.nullable and not new.nullable:
        found.append(_breaking(f"input {old.name!r} may no longer be missing"))
    found += _measured(f"input {old.name!r}", old, new)
    found += _as_parameters(old, new)
    if old.image is not None and new.image is not None and _is_stricter(new.image, old.image):
        found.append(_breaking(f"input {old.name!r} refuses images that were taken before: {_limits(new.image)}"))
    if new.declared and _rules(new) != (_rules(old) if old.declared else ()):
        found.append(Difference("compatible", f"input {old.name!r} has other declared rules, and refuses other values"))
    elif set(new.categories or ()) != set(old.categories or ()):
        found.append(Difference("compatible", f"input {old.name!r} has learnt other categories"))
    if old.privacy != new.privacy:
        change = f"input {old.name!r} changed its privacy rule from {old.privacy} to {new.privacy}"
        found.append(Difference("compatible", change))
    return found


def _as_parameters(old: Field, new: Field) -> list[Difference]:
    if old.is_parameter and not (new.is_parameter or new.nullable):
        return [_breaking(f"input {old.name!r} may no longer be left out")]
    if old.is_parameter != new.is_parameter:
        change = "a parameter" if new.is_parameter else "no parameter any more, but may be missing"
        return [Difference("compatible", f"input {old.name!r} is now {change}")]
    if old.default != new.default:
        change = f"is {new.default!r} where a request leaves it out, and was {old.default!r}"
        return [Difference("compatible", f"input {old.name!r} {change}")]
    return []


def _kind(field: Field) -> str:
    """What callers send, in words."""
    if field.time is not None:
        unit = f" or {field.time.unit} since 1970" if field.time.unit else ""
        zone = f" in {field.time.zone}" if field.time.zone else ""
        return f"{'date' if field.time.is_date else 'timestamp'}{zone}{unit}"
    return "image" if field.image is not None else field.datatype


def _takes_all_of(new: Field, old: Field) -> bool:
    """Whether every value of the old type is one of the new, and means the same."""
    if old.time is not None and new.time is not None:
        # Points in time are the same whatever zone a model sees them in.
        are_instants = old.time.zone is not None and new.time.zone is not None
        return are_instants and old.time.unit in (None, new.time.unit)
    if old.time is not None or new.time is not None or old.image is not None or new.image is not None:
        return False
    if (old.datatype, new.datatype) in _SAME:
        return True
    if old.is_integer and new.is_integer:
        (low, high), (least, most) = INTEGER_RANGES[old.datatype], INTEGER_RANGES[new.datatype]
        return least <= low and high <= most
    return old.is_integer and (new.datatype == "FP64" or (new.datatype == "FP32" and old.datatype != "INT64"))


def _is_stricter(new: Image, old: Image) -> bool:
    return (
        not set(old.formats) <= set(new.formats)
        or new.max_bytes < old.max_bytes
        or new.max_pixels < old.max_pixels
        or (new.resize is None and old.resize is not None)
    )


def _limits(image: Image) -> str:
    resized = "resized" if image.resize else "not resized"
    return f"{' and '.join(image.formats)}, {image.max_bytes} bytes, {image.max_pixels} pixels, {resized}"


def _rules(field: Field) -> tuple[object, ...]:
    return (field.categories and frozenset(field.categories), field.minimum, field.maximum)


def _outputs(champion: Contract, candidate: Contract) -> list[Difference]:
    theirs = {field.name: field for field in candidate.outputs}
    found: list[Difference] = []
    for old in champion.outputs:
        new = theirs.pop(old.name, None)
        about = f"output.{old.name}"
        if new is None:
            found.append(_breaking(f"output {old.name!r} is gone", about))
        elif (old.datatype, new.datatype) not in _SAME and old.datatype != new.datatype:
            found.append(_breaking(f"output {old.name!r} changed from {old.datatype} to {new.datatype}", about))
        else:
            found += _about(about, _output(old, new))
    return found + [Difference("compatible", f"output {name!r} is new", f"output.{name}") for name in theirs]


def _output(old: Field, new: Field) -> list[Difference]:
    """Of an output of the same type: its shape, the range that it is promised to have, and what it counts."""
    named, found = f"output {old.name!r}", []
    if old.shape != new.shape:
        change = f"{named} changed shape from {list(old.shape)} to {list(new.shape)}"
        found.append(Difference("compatible" if _is_one_of(new.shape, old.shape) else "breaking", change))
    if _promised(old) != _promised(new):
        (low, high), (least, most) = _promised(old), _promised(new)
        change = f"{named} is promised {_spelled_range(least, most)}, and was {_spelled_range(low, high)}"
        found.append(Difference("compatible" if low <= least and most <= high else "breaking", change))
    return found + _measured(named, old, new)


def _is_one_of(shape: tuple[int, ...], promised: tuple[int, ...]) -> bool:
    """Whether values of a shape are among those that another shape allows."""
    return len(shape) == len(promised) and all(size in (was, -1) for was, size in zip(shape, promised, strict=True))


def _promised(field: Field) -> tuple[float, float]:
    """The range that callers may rely on: any number unless it is declared."""
    low, high = (field.minimum, field.maximum) if field.declared else (None, None)
    return -inf if low is None else low, inf if high is None else high


def _spelled_range(low: float, high: float) -> str:
    if low == -inf and high == inf:
        return "no range"
    return f"at most {high:g}" if low == -inf else f"at least {low:g}" if high == inf else f"{low:g} to {high:g}"


def _measured(named: str, old: Field, new: Field) -> list[Difference]:
    """Units, where they are declared: another one means something else, and none says nothing."""
    if old.measured_in == new.measured_in:
        return []
    if old.measured_in and new.measured_in:
        return [_breaking(f"{named} is measured in {new.measured_in}, and was in {old.measured_in}")]
    if new.measured_in:
        return [Difference("compatible", f"{named} is now said to be measured in {new.measured_in}")]
    return [Difference("compatible", f"{named} was measured in {old.measured_in}, and nothing says so any more")]
