"""Units keep their arms when shares change."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.domain.traffic import POINTS, Arm, TrafficPlan
from interlock.releases.slots import resize

VERSIONS = ("m:2", "m:3", "m:4")
SHARES = st.lists(st.integers(0, POINTS // 3), min_size=3, max_size=3)


def owner(arms: tuple[Arm, ...], point: int) -> str | None:
    return next((arm.version for arm in arms if any(start <= point < stop for start, stop in arm.slots)), None)


@given(st.lists(SHARES, min_size=1, max_size=60))
def test_every_arm_has_its_share_and_no_position_has_two_owners(history: list[list[int]]) -> None:
    arms: tuple[Arm, ...] = ()
    for shares in history:
        arms = resize(arms, dict(zip(VERSIONS, shares, strict=True)))
        assert [arm.points for arm in arms] == shares
        slots = sorted(slot for arm in arms for slot in arm.slots)
        assert all(before[1] <= after[0] for before, after in pairwise(slots))
        assert all(0 <= start < stop <= POINTS for start, stop in slots)
        assert len(slots) <= 64 + len(VERSIONS)


@given(SHARES, SHARES)
def test_an_arm_that_does_not_shrink_keeps_its_units(before: list[int], after: list[int]) -> None:
    first = resize((), dict(zip(VERSIONS, before, strict=True)))
    second = resize(first, dict(zip(VERSIONS, after, strict=True)))
    for version, old, new in zip(VERSIONS, before, after, strict=True):
        kept = sum(
            max(0, min(stop, end) - max(start, begin))
            for arm, other in zip(first, second, strict=True)
            if arm.version == version
            for start, stop in arm.slots
            for begin, end in other.slots
        )
        assert kept == min(old, new)


def test_going_up_moves_nobody_back_and_withdrawing_moves_only_its_own_units() -> None:
    low = resize((), {"m:2": 100_000, "m:3": 100_000})
    high = resize(low, {"m:2": 250_000, "m:3": 250_000})
    without = resize(high, {"m:3": 250_000})
    for point in range(0, POINTS, 997):
        was, now = owner(low, point), owner(high, point)
        assert was is None or now == was
        assert owner(without, point) == (now if now == "m:3" else None)


def test_more_than_there_is_is_refused() -> None:
    with pytest.raises(ValueError, match="together at most"):
        resize((), {"m:2": POINTS, "m:3": 1})


def test_a_plan_of_before_there_were_arms_is_read() -> None:
    old = b'{"endpoint":"e","generation":3,"champion":"m:1","challenger":"m:2","traffic_share":0.25,"salt":"s"}'
    plan = msgspec.json.decode(old, type=TrafficPlan)
    assert plan.shares == {"m:1": 0.75, "m:2": 0.25}
    assert plan.versions == ("m:1", "m:2")
