"""Which units belong to which arm when shares change: as few as can be move, and none between arms that only grow.

Called by the road with every change of an arm's share. Units stand at positions (`domain.traffic.position`); an arm has
ranges of them, and the champion has the rest. An arm that grows takes from the champion, one that shrinks gives to it:
so raising shares moves nobody back, and withdrawing an arm moves nobody but its own units.
"""

from collections.abc import Mapping, Sequence

from interlock.domain.traffic import POINTS, Arm

Slots = list[tuple[int, int]]

# Beyond so many ranges in all, arms are laid out afresh: routing stays quick, and some units move that need not. Only a
# bandit gets there, after hundreds of changes.
_MOST_SLOTS = 64


def resize(arms: Sequence[Arm], points: Mapping[str, int]) -> tuple[Arm, ...]:
    """Give every arm its share.

    Args:
        arms: As they are.
        points: Share in millionths of each arm that is to be; arms that are not named go. Together at most a million.

    Examples:
        >>> first = resize((), {"m:2": 100_000, "m:3": 100_000})
        >>> [arm.slots for arm in first]
        [((0, 100000),), ((100000, 200000),)]
        >>> [arm.slots for arm in resize(first, {"m:2": 150_000, "m:3": 100_000})]
        [((0, 100000), (200000, 250000)), ((100000, 200000),)]
    """
    if sum(points.values()) > POINTS or min(points.values(), default=0) < 0:
        raise ValueError(f"points == {dict(points)}, must be at least 0, and together at most {POINTS}")
    there = {arm.version: list(arm.slots) for arm in arms}
    kept = {version: _first(there.get(version, []), wanted) for version, wanted in points.items()}
    free = _rest([slot for slots in kept.values() for slot in slots])
    for version, wanted in points.items():
        missing = wanted - _size(kept[version])
        taken = _first(free, missing)
        free = _without(free, missing)
        kept[version] = _joined(kept[version] + taken)
    if arms and sum(len(slots) for slots in kept.values()) > _MOST_SLOTS:
        return resize((), points)
    return tuple(Arm(version=version, slots=tuple(slots)) for version, slots in kept.items())


def _size(slots: Slots) -> int:
    return sum(stop - start for start, stop in slots)


def _first(slots: Slots, points: int) -> Slots:
    """The first so many points of some ranges, or all."""
    found: Slots = []
    for start, stop in slots:
        if points <= 0:
            break
        found.append((start, min(stop, start + points)))
        points -= stop - start
    return found


def _without(slots: Slots, points: int) -> Slots:
    """Ranges without their first so many points."""
    found: Slots = []
    for start, stop in slots:
        left = max(start, min(stop, start + points))
        points -= left - start
        if left < stop:
            found.append((left, stop))
    return found


def _rest(slots: Slots) -> Slots:
    """All positions that no range has."""
    found, at = [], 0
    for start, stop in sorted(slots):
        if start > at:
            found.append((at, start))
        at = stop
    return found + ([(at, POINTS)] if at < POINTS else [])


def _joined(slots: Slots) -> Slots:
    """Ranges in order, neighbours made one."""
    found: Slots = []
    for start, stop in sorted(slots):
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], stop)
        else:
            found.append((start, stop))
    return found
