import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.integration.predictions.conftest import START_US, label, labels, prediction, write

from interlock.predictions import reconciliation, reporter, segments
from interlock.predictions.collector import Collector
from interlock.predictions.reconciliation import ReconciliationReport
from interlock.predictions.reporter import Reporter

if TYPE_CHECKING:
    from tests.integration.predictions.conftest import Home

# Record number n came n seconds after this.
START = datetime.fromtimestamp(START_US / 1e6, UTC)


def reporter_of(home: "Home", path: Path | None = None) -> Reporter:
    home.now = START + timedelta(seconds=10)
    settings = home.settings
    return Reporter(path or settings.home / "r.json", settings.spools, settings.log, home.store, lambda: home.now)


def reported(home: "Home") -> ReconciliationReport:
    reporter_of(home).report()
    found = reconciliation.load(home.settings.home / "r.json")
    assert found is not None
    return found


def test_the_report_has_the_sums_of_every_endpoint(home: "Home") -> None:
    home.collect(prediction(1, rows=2), prediction(2, inputs={"x": ["text"], "kind": ["red"]}))
    with home.spool() as spool:
        write(spool, prediction(3), prediction(4, endpoint="beer"))
        found = reported(home)
    assert found.written_at == START + timedelta(seconds=10)
    assert found.endpoints == {"wine": home.sums(), "beer": home.sums("beer")}
    wine = found.endpoints["wine"]
    assert (wine.acknowledged, wine.logged, wine.waiting, wine.quarantined, wine.holds) == (4, 2, 1, 1, True)


def test_the_lag_is_the_age_of_the_oldest_record_that_is_not_counted(home: "Home") -> None:
    with home.spool() as spool, home.spool("gw1") as other:
        assert reported(home).lag_seconds == 0.0
        write(spool, prediction(3), prediction(2))
        spool.seal(force=True)
        write(spool, prediction(4))
        write(other, prediction(5))
        assert reported(home).lag_seconds == 8.0
        home.collector().step()  # counted, though not logged
        assert reported(home).lag_seconds == 6.0
        spool.seal(force=True)
        home.collector().step()
        assert reported(home).lag_seconds == 5.0
        other.seal(force=True)
        home.collector().step()
        assert reported(home).lag_seconds == 0.0


def test_a_record_from_after_the_clock_was_read_is_no_lag(home: "Home") -> None:
    with home.spool() as spool:
        write(spool, labels(label("p1-0", 1), at_us=START_US + 11_000_000))
        assert reported(home).lag_seconds == 0.0


def test_a_segment_that_is_sealed_after_it_was_listed_is_read(home: "Home", monkeypatch: pytest.MonkeyPatch) -> None:
    with home.spool() as spool:
        write(spool, prediction(1))
        listed = segments.listing(spool.folder)
        spool.seal(force=True)
        with monkeypatch.context() as patch:
            patch.setattr(segments, "listing", lambda _: listed)
            assert reporter._first_times_us(spool.folder, 0) == [START_US + 1_000_000]


def test_a_backlog_is_not_counted_again_and_again(home: "Home", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporter, "_MOST_WAITING_BYTES", 1)
    with home.spool() as spool:
        write(spool, prediction(1))
        spool.seal(force=True)
        write(spool, prediction(2))
        found = reported(home)
    assert (found.endpoints, found.lag_seconds) == ({}, 9.0)


def test_reports_are_made_when_due_only(home: "Home") -> None:
    each = reporter_of(home)
    each.step()
    path = home.settings.home / "r.json"
    path.unlink()
    each.step()
    assert not path.exists()
    each._due -= 600
    each.step()
    assert path.exists()


def test_a_report_that_cannot_be_written_does_not_stop_collecting(
    home: "Home", caplog: pytest.LogCaptureFixture
) -> None:
    each = reporter_of(home, home.settings.home / "nowhere" / "r.json")
    collector = Collector(home.settings.spools, home.settings.log, home.store, lambda: home.now, each.step)
    with home.spool() as spool, caplog.at_level(logging.WARNING):
        write(spool, prediction(1))
        spool.seal(force=True)
        collector.step(commit_all=True)
    assert home.logged() == ["p1-0"]
    assert [record.name for record in caplog.records] == ["interlock.predictions.reporter"]


def test_the_collector_reports_between_batches(home: "Home", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interlock.predictions.collector._BATCH_REQUESTS", 1)
    counted: list[int] = []

    def note() -> None:
        with home.store.read() as tx:
            counted.append(tx.spools.totals()["wine"].predictions)

    collector = Collector(home.settings.spools, home.settings.log, home.store, lambda: home.now, note)
    with home.spool() as spool:
        for number in range(3):
            write(spool, prediction(number))
            spool.seal(force=True)
        collector.step()
    assert counted == [1, 2, 3]
