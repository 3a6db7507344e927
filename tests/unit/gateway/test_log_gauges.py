import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from interlock.gateway.log_gauges import LogGauges
from interlock.predictions import reconciliation
from interlock.predictions.reconciliation import Reconciliation, ReconciliationReport

WRITTEN_AT = datetime(2026, 1, 1, tzinfo=UTC)
SUMS = Reconciliation(acknowledged=10, logged=4, waiting=3, quarantined=2, unrecorded=1, holds=True)


def report(**endpoints: Reconciliation) -> ReconciliationReport:
    return ReconciliationReport(written_at=WRITTEN_AT, lag_seconds=1.5, endpoints=endpoints)


def samples(path: Path, *, age_seconds: float = 2.5) -> list[str]:
    registry = CollectorRegistry()
    registry.register(LogGauges(path, lambda: WRITTEN_AT + timedelta(seconds=age_seconds)))
    return [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]


def test_a_report_is_shown_by_endpoint_and_state(tmp_path: Path) -> None:
    reconciliation.save(tmp_path / "r.json", report(wine=SUMS))
    assert samples(tmp_path / "r.json") == [
        'interlock_log_rows{endpoint="wine",state="acknowledged"} 10.0',
        'interlock_log_rows{endpoint="wine",state="logged"} 4.0',
        'interlock_log_rows{endpoint="wine",state="waiting"} 3.0',
        'interlock_log_rows{endpoint="wine",state="quarantined"} 2.0',
        'interlock_log_rows{endpoint="wine",state="unrecorded"} 1.0',
        "interlock_collector_lag_seconds 1.5",
        "interlock_reconciliation_age_seconds 2.5",
    ]


def test_a_report_without_sums_shows_the_lag(tmp_path: Path) -> None:
    reconciliation.save(tmp_path / "r.json", report())
    assert samples(tmp_path / "r.json", age_seconds=-0.1) == [
        "interlock_collector_lag_seconds 1.5",
        "interlock_reconciliation_age_seconds 0.0",
    ]


def test_before_the_first_report_nothing_is_shown_or_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert samples(tmp_path / "r.json") == []
    assert caplog.records == []


@pytest.mark.parametrize("damaged", [b"", b'{"written_at": "2026-', b'{"written_at": 1}', b"\xff"])
def test_a_damaged_report_is_logged_and_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damaged: bytes
) -> None:
    (tmp_path / "r.json").write_bytes(damaged)
    with caplog.at_level(logging.WARNING):
        assert samples(tmp_path / "r.json") == []
    assert [record.name for record in caplog.records] == ["interlock.gateway.log_gauges"]
