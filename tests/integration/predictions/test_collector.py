import os
from datetime import UTC, datetime
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
import pytest
from tests.integration.predictions.conftest import bins, label, labels, version, write
from tests.prediction_records import START_US, prediction

from interlock.domain.contract import Contract, Field
from interlock.predictions import profiling, segments
from interlock.predictions.frames import HEAD
from interlock.predictions.records import FailureRecord, PredictionRecord
from interlock.stats import log_histogram
from interlock.stats.profile import Profile

if TYPE_CHECKING:
    from tests.integration.predictions.conftest import Home

EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
IN_RELEASE = {"release_id": "r1", "step": 0}


def files(home: "Home", slot: str = "gw0") -> list[str]:
    return [file.path.name for file in segments.listing(home.settings.spools / slot)]


def profiled_rows(home: "Home") -> int:
    with home.store.read() as tx:
        return sum(Profile.from_bytes(bins(), data).rows for _, _, data in tx.profiles.between("wine", *EVER))


def test_records_reach_log_profiles_and_counts(home: "Home") -> None:
    home.collect(prediction(1, rows=2), prediction(2), labels(label("p1-0", True), label("p2-0", False)))
    assert home.logged() == ["p1-0", "p1-1", "p2-0"]
    assert profiled_rows(home) == 3
    assert home.reader.label_stats("wine").labelled == 2
    with home.store.read() as tx:
        (hour,) = tx.service_hours.between("wine", *EVER)
        totals = tx.spools.totals()["wine"]
    assert (hour.requests, hour.failures, hour.rows, sum(hour.latency_counts)) == (2, 0, 3, 2)
    assert (totals.predictions, totals.labels) == (3, 2)
    assert files(home) == []


def test_counts_come_at_once_and_commits_when_due(home: "Home") -> None:
    collector = home.collector()
    with home.spool() as spool:
        write(spool, prediction(1))
        spool.seal(force=True)
        collector.step()
        assert profiled_rows(home) == 1
        assert home.logged() == []
        assert len(files(home)) == 2
        home.later(5)
        collector.step()
        assert home.logged() == ["p1-0"]
        assert files(home) == ["000000000002.open"]


def test_a_batch_is_bounded_by_bytes_too(home: "Home", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interlock.predictions.collector._BATCH_BYTES", 1)
    collector = home.collector()
    counted: list[int] = []
    taken = collector._take_batch

    def counting() -> Any:
        batch = taken()
        counted.append(len(batch))
        return batch

    monkeypatch.setattr(collector, "_take_batch", counting)
    with home.spool() as spool:
        for number in range(3):
            write(spool, prediction(number))
            spool.seal(force=True)
        collector.step(commit_all=True)
    assert counted == [1, 1, 1, 0]
    assert len(home.logged()) == 3


def test_many_rows_are_committed_without_waiting(home: "Home") -> None:
    collector = home.collector()
    with home.spool() as spool:
        write(spool, prediction(1, rows=5000))
        spool.seal(force=True)
        collector.step()
        assert len(home.logged()) == 5000


@pytest.mark.parametrize("commit", [False, True])
def test_a_new_collector_does_only_what_was_not_done(home: "Home", commit: bool) -> None:
    with home.spool() as spool:
        write(spool, prediction(1), labels(label("p1-0", 1)))
        spool.seal(force=True)
        home.collector().step(commit_all=commit)
        write(spool, prediction(2))
        spool.seal(force=True)
        for _ in range(3):
            home.collector().step(commit_all=True)
    assert home.logged() == ["p1-0", "p2-0"]
    assert profiled_rows(home) == 2
    assert home.reader.label_stats("wine").labels == 1


def test_one_table_that_has_a_segment_does_not_keep_it_from_another(home: "Home") -> None:
    with home.spool() as spool:
        write(spool, prediction(1), prediction(2, endpoint="beer"))
        identity = spool.id
    collector = home.collector()
    collector.step()
    # As if the process had died between two commits: one table has its rows, the other has not.
    collector._waiting["predictions", "beer"].commit(home.log)
    home.collector().step(commit_all=True)
    for endpoint in ("wine", "beer"):
        assert home.reader.new_rows(endpoint, None)[1].num_rows == 1
        assert home.log.transaction_version("predictions", endpoint, identity) == 1
    assert files(home) == []


def test_several_slots_share_a_commit(home: "Home") -> None:
    for slot in ("gw0", "gw1"):
        with home.spool(slot) as spool:
            write(spool, *(prediction(n, prediction_ids=[f"{slot}-{n}"]) for n in range(3)))
    home.collector().step(commit_all=True)
    assert home.logged() == [f"{slot}-{n}" for slot in ("gw0", "gw1") for n in range(3)]
    assert home.log.version("predictions", "wine") == 0


def test_a_slot_made_anew_is_not_taken_for_the_old_one(home: "Home") -> None:
    home.collect(prediction(1))
    for path in (home.settings.spools / "gw0").iterdir():
        path.unlink()
    home.collect(prediction(2))
    assert home.logged() == ["p1-0", "p2-0"]


def test_what_a_dead_worker_left_open_is_collected(home: "Home") -> None:
    spool = home.spool().open()
    write(spool, prediction(1))
    home.collector().step(commit_all=True)
    assert home.logged() == []
    # The lock of a process ends with it, whatever it left.
    with segments.open_path(home.settings.spools / "gw0", 1).open("ab") as file:
        file.write(HEAD.pack(b"\xc1ILK", 100, 0) + b"torn")
    assert spool._lock is not None
    os.close(spool._lock)
    home.collector().step(commit_all=True)
    assert home.logged() == ["p1-0"]
    assert home.sums().holds


def test_damage_costs_its_rows_and_nothing_else(home: "Home") -> None:
    with home.spool() as spool:
        write(spool, *(prediction(n, rows=2) for n in range(5)))
        spool.seal(force=True)
        (path,) = (home.settings.spools / "gw0").glob("*.sealed")
        data = bytearray(path.read_bytes())
        data[data.index(b"p2-0")] ^= 1
        path.write_bytes(data)
        write(spool, prediction(5))
        spool.seal(force=True)
        home.collector().step(commit_all=True)
        assert home.logged() == [*sorted(f"p{n}-{row}" for n in (0, 1, 3, 4) for row in range(2)), "p5-0"]
        sums = home.sums()
    assert (sums.acknowledged, sums.logged, sums.quarantined, sums.holds) == (11, 9, 2, True)
    (kept,) = (home.settings.spools / "gw0" / "quarantine").iterdir()
    assert b"p2-1" in kept.read_bytes()


def test_a_record_that_does_not_fit_its_contract_is_set_aside(home: "Home") -> None:
    bad = prediction(2, rows=3, inputs={"x": ["text"] * 3, "kind": ["red"] * 3}, assigned=IN_RELEASE)
    home.collect(prediction(1), bad, prediction(3))
    assert home.logged() == ["p1-0", "p3-0"]
    assert profiled_rows(home) == 2
    assert (home.sums().quarantined, home.sums().holds) == (3, True)
    assert len(list((home.settings.spools / "gw0" / "quarantine").iterdir())) == 1
    with home.store.read() as tx:
        assert tx.gate_counts.list("r1")[0].units == 1


def test_a_version_nobody_knows_is_logged_by_its_values(home: "Home") -> None:
    home.collect(prediction(1, version="gone:4", inputs={"n": [3]}))
    _, rows = home.reader.new_rows("wine", None)
    assert rows["input.n"].to_pylist() == [3]
    assert profiled_rows(home) == 0


def test_a_version_that_adds_and_changes_columns_is_logged_beside_the_others(home: "Home") -> None:
    inputs = (Field(name="x", datatype="BYTES"), Field(name="new", datatype="INT64"))
    with home.store.transaction() as tx:
        tx.models.add(version(3, Contract(inputs=inputs, outputs=())))
    home.collect(prediction(1))
    home.collect(prediction(2, version="m:3", inputs={"x": ["a"], "new": [7]}, outputs={}))
    home.collect(prediction(3))
    _, rows = home.reader.new_rows("wine", None)
    found = {row["prediction_id"]: row for row in rows.to_pylist()}
    assert found["p1-0"]["input.x"] == 1.0
    assert (found["p2-0"]["input.x"], found["p2-0"]["input.x~2"], found["p2-0"]["input.new"]) == (None, "a", 7)
    assert rows.schema.field("input.x~2").metadata == {b"interlock.name": b"input.x"}


def test_gates_count_units_and_not_requests(home: "Home") -> None:
    def keyed(number: int, unit: str, status: str = "ok", **changes: Any) -> PredictionRecord:
        assigned = {**IN_RELEASE, "attempt_status": status}
        return prediction(number, assigned=assigned, unit=unit, **changes)

    home.collect(keyed(1, "ann", latency_us=10), keyed(2, "ann", latency_us=10**6), keyed(3, "bob", "timeout"))
    home.collect(
        keyed(4, "ann", "model_error"),
        keyed(5, "bob", "timeout"),
        prediction(6, rows=9, assigned=IN_RELEASE),
        prediction(7, assigned=IN_RELEASE, role="pinned"),
        prediction(8),
        prediction(9, assigned={**IN_RELEASE, "is_challenger": True, "attempt_status": "timeout"}),
        FailureRecord("wine", START_US, "q", prediction(0, assigned=IN_RELEASE).assignment, None, 1, 5000),
    )
    with home.store.read() as tx:
        champion, challenger = tx.gate_counts.list("r1")
    assert (champion.units, champion.failed_units, sum(champion.latency_counts)) == (4, 3, 4)
    assert (challenger.units, challenger.failed_units, sum(challenger.latency_counts)) == (1, 1, 1)
    # The first request of a unit is the one whose latency counts.
    assert champion.latency_counts[log_histogram.index(10)] == 1
    assert champion.latency_counts[log_histogram.index(10**6)] == 0


def test_it_runs_until_told_and_then_commits_everything(home: "Home") -> None:
    stop = Event()
    thread = Thread(target=home.collector().run, args=(stop,))
    thread.start()
    with home.spool() as spool:
        write(spool, prediction(1))
    stop.set()
    thread.join(timeout=30)
    assert home.logged() == ["p1-0"]


def test_a_pass_that_fails_loses_nothing(home: "Home", monkeypatch: pytest.MonkeyPatch) -> None:
    collector = home.collector()
    with home.spool() as spool:
        write(spool, prediction(1))
    # A log that cannot be written: its folder is a file.
    home.settings.log.write_text("in the way")
    assert not collector._try_step(commit_all=True)
    home.settings.log.unlink()
    assert collector._try_step(commit_all=True)
    assert home.logged() == ["p1-0"]
    assert profiled_rows(home) == 1


def test_rows_that_cannot_be_profiled_stop_nothing(
    home: "Home", monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    by_hour = profiling.by_hour

    def failing(endpoint: str, *more: Any) -> Any:
        if endpoint == "beer":
            raise pa.ArrowInvalid("no such cast")
        return by_hour(endpoint, *more)

    monkeypatch.setattr(profiling, "by_hour", failing)
    beer = msgspec.structs.replace(prediction(2), endpoint="beer")
    home.collect(prediction(1), beer)
    assert profiled_rows(home) == 1
    assert home.sums("beer").logged == 1
    assert "1 rows of beer m:1 are logged, and missing in its profiles" in caplog.text
