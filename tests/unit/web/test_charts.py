from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from interlock.domain.release import Gate, Release, ReleasePlan, ReleaseState
from interlock.web import charts

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def gate(**fields: Any) -> Gate:
    given: dict[str, Any] = {
        "metric": "latency.p95", "outcome": "ok", "scale": "ratio", "estimate": 1.0, "lower": 0.5, "upper": 2.0,
        "margin": 1.5, "counts": {}, "reason": "", "alpha": 0.05, **fields,
    }  # fmt: skip
    return Gate(**given)


def test_a_ratio_is_drawn_evenly_around_equal() -> None:
    found = charts.interval(gate())
    assert found is not None
    assert found.point == charts.MIDDLE
    assert charts.MIDDLE - found.left == pytest.approx(found.right - charts.MIDDLE)
    assert found.margin is not None
    assert charts.MIDDLE < found.margin < found.right
    assert not found.is_open_left
    assert not found.is_open_right
    assert found.said == "1 times, surely at least 0.5 times, surely at most 2 times, margin 1.5 times"


@pytest.mark.parametrize(
    ("lower", "upper", "is_open"), [(None, 2.0, (True, False)), (0.5, None, (False, True)), (0.0, 40.0, (True, True))]
)
def test_an_end_that_is_not_known_or_too_far_is_open(
    lower: float | None, upper: float | None, is_open: tuple[bool, bool]
) -> None:
    found = charts.interval(gate(lower=lower, upper=upper))
    assert found is not None
    assert (found.is_open_left, found.is_open_right) == is_open
    assert 0 <= found.left < found.right <= charts.WIDTH


def test_a_difference_keeps_its_side_of_equal_and_fits() -> None:
    found = charts.interval(gate(scale="difference", estimate=-0.01, lower=-0.02, upper=-0.004, margin=0.003))
    assert found is not None
    assert found.margin is not None
    assert 0 < found.left < found.right < charts.MIDDLE < found.margin < charts.WIDTH
    assert not found.is_open_left


def test_nothing_known_is_not_drawn() -> None:
    assert charts.interval(gate(lower=None, upper=None)) is None
    unknown = gate(lower=None, upper=None)
    everything = gate(lower=0.0, upper=1000.0)
    for known_nothing in (unknown, everything):
        assert charts.band([(NOW + timedelta(hours=hour), 0, known_nothing) for hour in range(3)]) is None
    assert charts.band([(NOW, 0, gate())]) is None


def test_looks_are_drawn_in_time_with_the_steps_where_the_share_changed() -> None:
    looks = [(NOW + timedelta(hours=hour), step, gate()) for hour, step in ((0, 0), (1, 0), (3, 1), (4, 1))]
    found = charts.band(looks)
    assert found is not None
    assert found.steps == [(390.0, 1)]
    assert found.line == "M0.0 75.0L130.0 75.0L390.0 75.0L520.0 75.0"
    assert found.area.endswith("Z")
    assert found.margin is not None
    assert found.margin < charts.BAND_HEIGHT / 2


@pytest.mark.parametrize(
    ("state", "step", "kinds"),
    [
        ("draft", 0, ["now", "ahead", "ahead", "ahead"]),
        ("running", 1, ["passed", "passed", "now", "ahead"]),
        ("paused", 0, ["passed", "paused", "ahead", "ahead"]),
        ("rolled_back", 0, ["passed", "stopped", "ahead", "ahead"]),
        ("promoted", 2, ["passed"] * 4),
    ],
)
def test_the_road_shows_how_far_a_release_came(state: ReleaseState, step: int, kinds: list[str]) -> None:
    release = Release(
        id="wine-1", endpoint="wine", strategy="canary", state=state, candidate="wine:2", champion="wine:1",
        plan=ReleasePlan(steps=(0.05, 0.5, 1.0)), created_at=NOW, created_by="ops", step=step,
        step_started_at=None if state == "draft" else NOW,
    )  # fmt: skip
    found = charts.road(release)
    assert [each.kind for each in found] == kinds
    first = "loading" if state == "draft" else "loaded"
    assert [each.word for each in found] == [first, "5 %", "50 %", "100 %"]
    cancelled = msgspec.structs.replace(release, state="cancelled", step_started_at=None)
    assert charts.road(cancelled)[0].kind == "stopped"


def test_bars_stand_on_each_other_with_the_champion_below() -> None:
    found = charts.bars(
        [(NOW, {"b:2": 50, "a:1": 50}), (NOW + timedelta(hours=1), {})], width=100, height=20, champion="b:2"
    )
    assert [(bar.version, bar.x, bar.y, bar.height) for bar in found] == [("b:2", 0, 10, 10), ("a:1", 0, 0, 10)]
    assert charts.bars([(NOW, {})], width=100, height=20) == []


def test_a_spark_has_a_column_for_every_hour_with_requests() -> None:
    slots: list[tuple[datetime, dict[str, int]]] = [(NOW, {"a:1": 50, "b:2": 50}), (NOW, {}), (NOW, {"a:1": 50})]
    assert charts.spark(slots, width=30, height=20) == "M0 20v-20h8V20zM20 20v-10h8V20z"
    assert charts.spark([(NOW, {})], width=30, height=20) == ""
