from datetime import UTC, datetime

import numpy as np
import pytest

from interlock.monitoring.service_checks import checks
from interlock.stats import log_histogram
from interlock.store.service_hours import ServiceHour

NOON = datetime(2013, 4, 1, 12, tzinfo=UTC)


def hour(requests: int, failures: int, latency_ms: float) -> ServiceHour:
    bins = log_histogram.indices(np.full(requests, latency_ms * 1000))
    counts = np.bincount(bins, minlength=log_histogram.SIZE) if requests else ()
    return ServiceHour(
        endpoint="e",
        version="m:1",
        hour=NOON,
        requests=requests,
        failures=failures,
        rows=requests - failures,
        latency_counts=tuple(int(count) for count in counts),
    )


@pytest.mark.parametrize(
    ("hours", "outcomes"),
    [
        ([hour(1000, 5, 20), hour(1000, 5, 30)], ["ok", "ok", "ok"]),
        ([hour(1000, 60, 20)], ["ok", "breach", "ok"]),
        ([hour(20, 1, 20)], ["ok", "ok", "ok"]),
        ([hour(1000, 0, 3000)], ["ok", "ok", "breach"]),
        ([hour(1000, 0, 200_000)], ["ok", "ok", "breach"]),
        ([], ["no_data", "no_data", "no_data"]),
    ],
)
def test_requests_failures_and_latency_are_judged(hours: list[ServiceHour], outcomes: list[str]) -> None:
    found = checks("m:1", hours, deadline_ms=1000, alpha=0.001)
    assert [check.name for check in found] == ["requests", "failures", "latency_p95_ms"]
    assert [check.outcome for check in found] == outcomes


def test_values_are_those_of_all_hours_together() -> None:
    requests, failures, latency = checks("m:1", [hour(300, 3, 10), hour(100, 1, 10)], deadline_ms=1000, alpha=0.001)
    assert (requests.value, failures.value) == (400, 0.01)
    assert latency.value == pytest.approx(10, rel=0.05)
