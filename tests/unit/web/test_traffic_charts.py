from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from interlock.domain.release import Release, ReleasePlan
from interlock.stats import log_histogram
from interlock.store.service_hours import ServiceHour
from interlock.web.traffic_charts import latency, marks

SINCE = datetime(2026, 3, 1, tzinfo=UTC)
UNTIL = SINCE + timedelta(hours=24)


def served(hour: int, version: str, p99_us: float) -> ServiceHour:
    counts = np.bincount([log_histogram.index(p99_us)] * 100, minlength=log_histogram.SIZE)
    return ServiceHour(
        endpoint="wine", version=version, hour=SINCE + timedelta(hours=hour), requests=100, failures=0, rows=100,
        latency_counts=tuple(counts.tolist()),
    )  # fmt: skip


def test_each_version_is_a_line_that_breaks_where_nobody_asked() -> None:
    hours = [served(0, "a:1", 4_000), served(1, "a:1", 2_000), served(5, "a:1", 4_000), served(1, "a:2", 8_000)]
    found = latency(hours, SINCE, UNTIL, width=720, height=110)
    assert found is not None
    one, two = found.lines
    assert (one.version, two.version) == ("a:1", "a:2")
    assert one.path.count("M") == 2
    assert one.path.count("L") == 1
    assert [point.x for point in one.points] == [12, 42, 162]
    assert two.points[0].y == 0
    assert one.points[0].y > 40
    assert "a:2: p99 8" in two.points[0].said


def test_without_traffic_there_is_nothing_to_draw() -> None:
    assert latency([], SINCE, UNTIL, width=720, height=110) is None


def test_releases_are_marked_where_they_began_and_ended() -> None:
    def at(hours: float, **more: Any) -> Release:
        facts: dict[str, Any] = {
            "id": "r1", "endpoint": "wine", "strategy": "canary", "state": "running", "candidate": "a:2",
            "champion": "a:1", "plan": ReleasePlan(), "created_by": "ops",
        }  # fmt: skip
        return Release(**{**facts, "created_at": SINCE + timedelta(hours=hours), **more})

    found = marks(
        [at(6, state="rolled_back", finished_at=SINCE + timedelta(hours=12)), at(-3), at(18)],
        SINCE, UNTIL, width=720,
    )  # fmt: skip
    assert [(mark.x, mark.word) for mark in found] == [(180, "began"), (360, "rolled back"), (540, "began")]
