"""Readings on their way from a spool to the log and to the sensors' states, exactly once."""

from datetime import UTC, datetime, timedelta
from typing import Any

from deltalake import DeltaTable

from interlock.domain.telemetry import DEVICES, MOST_SENSORS, Expectation
from interlock.predictions import retention, sql
from interlock.predictions.records import Reading, TelemetryRecord, UnreadMessages, encoder
from interlock.predictions.spool import Spool
from interlock.store import telemetry as stored

START = datetime(2026, 1, 1, tzinfo=UTC)
START_US = int(START.timestamp() * 1e6)
SECOND = 1_000_000


def said(*values: float, at: int = 0, sensor: str = "t", received: int | None = None, **more: Any) -> TelemetryRecord:
    """Readings of one sensor, a second apart from `at` on."""
    readings = [
        Reading("press-7", sensor, value, START_US + (at + number) * SECOND) for number, value in enumerate(values)
    ]
    return TelemetryRecord(
        START_US + (at if received is None else received) * SECOND, "mqtt", readings, more.get("unread", [])
    )


def write(home: Any, *records: TelemetryRecord, slot: str = "mqtt") -> None:
    with Spool(home.settings.spools / slot) as spool:
        for record in records:
            spool.append(encoder.encode(record), rows=0, endpoint="")
        assert spool.acknowledged == {}


def test_readings_are_rows_of_one_table_that_sql_reads(home: Any) -> None:
    write(home, said(1.0, 2.0), said(3.0, sensor="p"))
    home.collector().step(commit_all=True)
    home.collector().step(commit_all=True)
    rows = sql.query(home.settings.log, "SELECT device, sensor, value, source, date FROM telemetry ORDER BY value")
    assert [(row["device"], row["sensor"], row["value"]) for row in rows] == [
        ("press-7", "t", 1.0), ("press-7", "t", 2.0), ("press-7", "p", 3.0),
    ]  # fmt: skip
    assert {(row["source"], str(row["date"])) for row in rows} == {("mqtt", "2026-01-01")}


def test_sql_knows_the_table_before_any_device_has_spoken(home: Any) -> None:
    assert sql.query(home.settings.log, "SELECT count(*) AS n FROM telemetry") == [{"n": 0}]


def test_a_state_has_the_newest_reading_by_the_devices_clock(home: Any) -> None:
    write(home, said(1.0, 2.0, at=100))
    home.collector().step(commit_all=True)
    # What waited in the device comes later and is older.
    write(home, said(9.0, at=50, received=200))
    home.collector().step(commit_all=True)
    with home.store.read() as tx:
        (state,) = tx.telemetry.list()
    assert (state.value, state.at, state.readings) == (2.0, START + timedelta(seconds=101), 3)
    assert state.received_at == START + timedelta(seconds=200)


def test_what_is_outside_is_judged_by_what_is_expected_when_it_comes(home: Any) -> None:
    write(home, said(99.0))
    home.collector().step(commit_all=True)
    with home.store.transaction() as tx:
        tx.telemetry.expect(Expectation(device="press-*", sensor="t", high=50.0, created_at=START))
    write(home, said(10.0, 60.0, 20.0, at=10))
    home.collector().step(commit_all=True)
    with home.store.read() as tx:
        (state,) = tx.telemetry.list("press-7")
    assert (state.value, state.readings, state.outside, state.outside_value) == (20.0, 4, 1, 60.0)


def test_what_could_not_be_taken_is_counted_by_reason(home: Any) -> None:
    write(
        home, said(1.0, unread=[UnreadMessages("json", 2, "first")]), said(unread=[UnreadMessages("json", 1, "last")])
    )
    home.collector().step(commit_all=True)
    write(home, said(unread=[UnreadMessages("json", 4, "newest"), UnreadMessages("topic", 1, "a/b")]))
    home.collector().step(commit_all=True)
    with home.store.read() as tx:
        found = {each.reason: (each.source, each.count, each.example) for each in tx.telemetry.faults()}
    assert found == {"json": ("mqtt", 7, "newest"), "topic": ("mqtt", 1, "a/b")}


def test_a_collector_that_dies_counts_each_reading_once(home: Any) -> None:
    write(home, said(1.0, 2.0))
    # It dies after the store's transaction and before the log's commit.
    home.collector().step(commit_all=False)
    home.collector().step(commit_all=True)
    with home.store.read() as tx:
        assert [each.readings for each in tx.telemetry.list()] == [2]
    assert sql.query(home.settings.log, "SELECT count(*) AS n FROM telemetry") == [{"n": 2}]


def test_there_are_only_so_many_sensors_and_all_readings_are_logged(home: Any, monkeypatch: Any) -> None:
    assert MOST_SENSORS >= 1000
    monkeypatch.setattr(stored, "MOST_SENSORS", 2)
    for number in range(4):
        write(home, said(1.0, sensor=f"s{number}"))
        home.collector().step(commit_all=True)
    with home.store.read() as tx:
        assert [each.sensor for each in tx.telemetry.list()] == ["s0", "s1"]
    assert sql.query(home.settings.log, "SELECT count(*) AS n FROM telemetry") == [{"n": 4}]


def test_retention_drops_days_by_when_readings_came(home: Any) -> None:
    day = 86_400
    write(home, said(1.0, at=0), said(2.0, at=-400 * day, received=10 * day))
    home.collector().step(commit_all=True)
    with home.store.transaction() as tx:
        tx.telemetry.keep_days(7)
        assert tx.endpoints.retention_days(DEVICES) == 7
        assert tx.telemetry.kept_days() == 7
    table = DeltaTable(home.log.path("telemetry", DEVICES))
    assert retention.drop(table, "telemetry", START + timedelta(days=10), 7) == 1
    assert [row["value"] for row in sql.query(home.settings.log, "SELECT value FROM telemetry")] == [2.0]
