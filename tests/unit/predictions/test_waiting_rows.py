from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from interlock.domain.errors import ConflictError
from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.waiting_rows import WaitingRows

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def labels(number: int) -> pa.Table:
    return pa.table({"prediction_id": [f"p{n}" for n in range(number)]})


def wait(rows: int, *, since: datetime = NOW) -> WaitingRows:
    waiting = WaitingRows("labels", "wine")
    waiting.add(("gw0", 1), labels(rows), since)
    return waiting


def test_rows_are_due_when_many_wait_or_the_oldest_long() -> None:
    assert not WaitingRows("labels", "wine").is_due(NOW)
    assert not wait(4999).is_due(NOW)
    assert wait(5000).is_due(NOW)
    assert wait(1).is_due(NOW + timedelta(seconds=5))


def test_a_quiet_table_commits_seldom_until_there_is_traffic(tmp_path: Path) -> None:
    log, waiting, waits = DeltaLog(tmp_path), wait(1), []
    for sequence in range(2, 9):
        waiting.commit(log)
        waits.append(waiting.wait_seconds)
        waiting.add(("gw0", sequence), labels(1 if sequence < 8 else 1000), NOW)
    waiting.commit(log)
    assert waits == [10, 20, 40, 60, 60, 60, 60]
    assert waiting.wait_seconds == 5


def test_versions_with_other_columns_share_a_commit(tmp_path: Path) -> None:
    log, waiting = DeltaLog(tmp_path), WaitingRows("scores", "wine")
    for sequence, column in enumerate([{"output.y": [1.0]}, {"output.Y": [2.0]}, {"output.y": ["a"]}], 1):
        waiting.add(("gw0", sequence), pa.table(column), NOW)
    assert waiting.commit(log) == {("gw0", 1), ("gw0", 2), ("gw0", 3)}
    table = log.table("scores", "wine")
    assert table is not None
    assert sorted(log.schema("scores", "wine").names) == ["output.Y~2", "output.y", "output.y~3"]
    assert log.transaction_version("scores", "wine", "gw0") == 3


def test_rows_the_table_has_in_part_are_not_written(tmp_path: Path) -> None:
    log, waiting = DeltaLog(tmp_path), wait(1)
    log.append("labels", "wine", labels(1), {"gw1": 4})
    waiting.add(("gw1", 4), labels(1), NOW)
    with pytest.raises(ConflictError, match="already"):
        waiting.commit(log)
    assert log.version("labels", "wine") == 0
