from datetime import UTC, datetime
from pathlib import Path

from interlock.predictions import reconciliation
from interlock.predictions.reconciliation import Reconciliation, ReconciliationReport

SUMS = Reconciliation(acknowledged=3, logged=1, waiting=2, quarantined=0, unrecorded=0, holds=True)
REPORT = ReconciliationReport(written_at=datetime(2026, 1, 1, tzinfo=UTC), lag_seconds=0.5, endpoints={"wine": SUMS})


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / reconciliation.NAME
    path.write_bytes(b"an older one")
    reconciliation.save(path, REPORT)
    assert reconciliation.load(path) == REPORT
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_of_the_old_report_is_not_disturbed(tmp_path: Path) -> None:
    path = tmp_path / reconciliation.NAME
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        reconciliation.save(path, REPORT)
        assert reader.read() == b"old"


def test_before_the_first_there_is_none(tmp_path: Path) -> None:
    assert reconciliation.load(tmp_path / reconciliation.NAME) is None
