"""The newest of an endpoint, from a real store."""

from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any

import numpy as np
import pytest

from interlock.domain.verdict import Check, Verdict
from interlock.monitoring.recent import RecentReader, newest, served
from interlock.stats import log_histogram
from interlock.store import Store
from interlock.store.service_hours import ServiceDelta, ServiceHour

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def reader() -> RecentReader:
    return RecentReader(lambda: NOON + timedelta(minutes=20))


@pytest.fixture
def store(store_url: str) -> Any:
    store = Store(store_url)
    yield store
    store.close()


def verdict(days_ago: int, name: str = "drift.x", **check: Any) -> Verdict:
    start = NOON.replace(hour=0) - days_ago * DAY
    fields: dict[str, Any] = {"signal": "input", "outcome": "ok", "value": 0.1, "version": "m:1", **check}
    return Verdict(
        endpoint="wine", window_start=start, window_end=start + DAY, at=NOON,
        check=Check(name=name, expected="", **fields),
    )  # fmt: skip


def latencies(*milliseconds: float) -> Any:
    return np.bincount(log_histogram.indices(np.array(milliseconds) * 1000), minlength=log_histogram.SIZE)


def served_in(store: Store, hours_ago: int, version: str, requests: int, failures: int, *milliseconds: float) -> None:
    hour = NOON - timedelta(hours=hours_ago)
    with store.transaction() as tx:
        delta = ServiceDelta("wine", version, hour, requests, failures, requests, latencies(*milliseconds))
        tx.service_hours.add(delta)
        tx.profiles.merge_all("wine", {(version, hour): lambda _: b"a profile"})


def test_the_window_ends_with_the_newest_event_and_adds_up(store: Store, reader: RecentReader) -> None:
    served_in(store, 30, "m:1", 1000, 1000, 900.0)
    served_in(store, 2, "m:1", 90, 3, *[10.0] * 90)
    served_in(store, 0, "m:1", 5, 0, *[10.0] * 5)
    served_in(store, 0, "m:2", 5, 2, *[50.0] * 5)
    with store.read() as tx:
        found = reader.read(tx, "wine")
    assert (found.since, found.until) == (NOON - timedelta(hours=23), NOON + timedelta(hours=1))
    assert (found.served.requests, found.served.failures, found.served.failure_share) == (100, 5, 0.05)
    assert found.served.p99_ms == pytest.approx(50, rel=0.05)
    assert {ref: one.requests for ref, one in found.by_version().items()} == {"m:1": 95, "m:2": 5}
    hours = found.by_hour()
    assert len(hours) == 24
    assert hours[-1] == (NOON, {"m:1": 5, "m:2": 5})
    assert hours[-2] == (NOON - timedelta(hours=1), {})


def test_where_nothing_happened_the_window_ends_now_and_nothing_is_made_up(store: Store, reader: RecentReader) -> None:
    with store.read() as tx:
        found = reader.read(tx, "wine")
    assert found.until == NOON + timedelta(hours=1)
    assert (found.served.requests, found.served.failure_share, found.served.p99_ms) == (0, None, None)
    assert found.verdicts == []


def test_new_verdicts_take_the_place_of_those_before(store: Store, reader: RecentReader) -> None:
    def values() -> list[float | None]:
        with store.read() as tx:
            return [one.check.value for one in reader.read(tx, "wine").verdicts]

    def say(*verdicts: Verdict) -> None:
        with store.transaction() as tx:
            tx.verdicts.append(verdicts)

    served_in(store, 0, "m:1", 1, 0, 1.0)
    say(verdict(3, value=0.3))
    assert values() == values() == [0.3]
    say(verdict(2, value=0.2), verdict(4, value=0.4))
    assert values() == [0.2]
    say(verdict(2, value=0.25, outcome="breach"))
    assert values() == [0.25]
    say(*(verdict(1, f"drift.{name}", value=value) for name, value in (("y", 0.1), ("z", 0.9))))
    assert values() == [0.9, 0.1]


def test_what_was_said_long_ago_is_no_news(store: Store, reader: RecentReader) -> None:
    with store.transaction() as tx:
        tx.verdicts.append([verdict(7, value=0.7), verdict(9, "roc_auc", signal="quality", value=0.9)])
    served_in(store, 0, "m:1", 1, 0, 1.0)
    for said in (["drift.x"], []):
        with store.read() as tx:
            assert [one.check.name for one in reader.read(tx, "wine").verdicts] == said
        served_in(store, -48, "m:1", 1, 0, 1.0)


def test_of_each_signal_the_newest_window_counts_and_the_worst_comes_first() -> None:
    found = newest(
        [
            verdict(3, "roc_auc", signal="quality", value=0.8),
            verdict(1, "drift.a", value=0.2),
            verdict(2, "drift.a", value=0.9, outcome="breach"),
            verdict(1, "drift.b", value=0.4),
            verdict(1, "drift.c", value=None, outcome="no_data"),
            verdict(1, "failures", signal="service", value=0.5, outcome="breach"),
            verdict(1, "latency_p95_ms", signal="service", value=None, outcome="error"),
        ]
    )
    assert [one.check.name for one in found] == [
        "failures", "latency_p95_ms", "roc_auc", "drift.b", "drift.a", "drift.c",
    ]  # fmt: skip


def test_latencies_beyond_two_minutes_have_no_known_limit() -> None:
    slow = tuple(int(count) for count in latencies(200_000.0))
    hour = ServiceHour(endpoint="e", version="m:1", hour=NOON, requests=1, failures=0, rows=1, latency_counts=slow)
    assert served([hour]).p99_ms == inf
