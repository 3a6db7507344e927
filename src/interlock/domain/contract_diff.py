"""What differs between two contracts, and which differences break callers.

Called before a release starts: a candidate that takes or gives something else cannot answer in the champion's place.
"""

from typing import Literal

import msgspec

from interlock.domain.contract import Contract, Field

_WIDER = {("INT32", "INT64"), ("FP32", "FP64"), ("INT32", "FP64"), ("INT64", "FP64"), ("INT32", "FP32")}
# Floats of either width travel as the same JSON number, and both are logged as doubles.
_SAME = {("FP64", "FP32"), ("FP32", "FP64")}


class Difference(msgspec.Struct, frozen=True):
    """One difference, in words. `breaking`: a request that the champion answers would fail, or mean something else."""

    kind: Literal["breaking", "compatible"]
    what: str


def diff(champion: Contract, candidate: Contract) -> tuple[Difference, ...]:
    """Name every difference between the contract callers use now and the candidate's.

    Examples:
        >>> old = Contract(inputs=(Field(name="x", datatype="FP64"),), outputs=())
        >>> diff(old, Contract(inputs=(Field(name="y", datatype="FP64"),), outputs=()))[0].what
        "input 'x' is gone"
    """
    found = _inputs(champion, candidate) + _outputs(champion, candidate)
    if champion.task != candidate.task:
        found.append(_breaking(f"task changed from {champion.task} to {candidate.task}"))
    if champion.classes != candidate.classes:
        same_set = set(map(str, champion.classes)) == set(map(str, candidate.classes))
        change = "order of classes" if same_set else "classes"
        found.append(_breaking(f"{change} changed from {list(champion.classes)} to {list(candidate.classes)}"))
    return tuple(found)


def _breaking(what: str) -> Difference:
    return Difference("breaking", what)


def _inputs(champion: Contract, candidate: Contract) -> list[Difference]:
    found: list[Difference] = []
    for old in champion.inputs:
        new = candidate.input(old.name)
        found += [_breaking(f"input {old.name!r} is gone")] if new is None else _input(old, new)
    for new in candidate.inputs:
        if champion.input(new.name) is None:
            found.append(
                Difference("compatible", f"optional input {new.name!r} is new")
                if new.nullable
                else _breaking(f"input {new.name!r} is new and required")
            )
    return found


def _input(old: Field, new: Field) -> list[Difference]:
    found: list[Difference] = []
    if old.datatype != new.datatype:
        change = f"input {old.name!r} changed from {old.datatype} to {new.datatype}"
        wider = (old.datatype, new.datatype) in _WIDER | _SAME
        found.append(Difference("compatible" if wider else "breaking", change))
    if old.shape != new.shape:
        found.append(_breaking(f"input {old.name!r} changed shape from {list(old.shape)} to {list(new.shape)}"))
    if old.nullable and not new.nullable:
        found.append(_breaking(f"input {old.name!r} may no longer be missing"))
    if set(new.categories or ()) != set(old.categories or ()):
        found.append(Difference("compatible", f"input {old.name!r} has learnt other categories"))
    return found


def _outputs(champion: Contract, candidate: Contract) -> list[Difference]:
    theirs = {field.name: field for field in candidate.outputs}
    found: list[Difference] = []
    for old in champion.outputs:
        new = theirs.pop(old.name, None)
        if new is None:
            found.append(_breaking(f"output {old.name!r} is gone"))
        elif (old.datatype, new.datatype) not in _SAME and old.datatype != new.datatype:
            found.append(_breaking(f"output {old.name!r} changed from {old.datatype} to {new.datatype}"))
        elif old.shape != new.shape:
            found.append(_breaking(f"output {old.name!r} changed shape from {list(old.shape)} to {list(new.shape)}"))
    return found + [Difference("compatible", f"output {name!r} is new") for name in theirs]
