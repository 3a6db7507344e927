from pathlib import Path

import pyarrow as pa
import pytest

from interlock.domain.errors import ConflictError
from interlock.predictions.delta_log import DeltaLog


def rows(*values: int) -> pa.Table:
    return pa.table({"x": values})


def count(log: DeltaLog) -> int:
    table = log.table("scores", "wine")
    return table.to_pyarrow_table().num_rows if table else 0


def test_a_replayed_append_does_nothing(tmp_path: Path) -> None:
    log = DeltaLog(tmp_path)
    assert log.append("scores", "wine", rows(1, 2), {"a": 3})
    assert not log.append("scores", "wine", rows(1, 2), {"a": 3})
    assert not DeltaLog(tmp_path).append("scores", "wine", rows(1), {"a": 2})
    assert (count(log), log.transaction_version("scores", "wine", "a")) == (2, 3)


def test_an_append_that_is_in_only_in_part_is_refused(tmp_path: Path) -> None:
    log = DeltaLog(tmp_path)
    log.append("scores", "wine", rows(1), {"a": 3})
    with pytest.raises(ConflictError, match="already"):
        log.append("scores", "wine", rows(1, 2), {"a": 3, "b": 1})
    assert count(log) == 1


def test_two_writers_of_one_name_cannot_both_write(tmp_path: Path) -> None:
    log, stale = DeltaLog(tmp_path), DeltaLog(tmp_path)
    log.append("scores", "wine", rows(1), {"a": 1})
    table = stale.table("scores", "wine")
    log.append("scores", "wine", rows(2), {"a": 2})
    # As if the other had written between the look and the write.
    stale.table = lambda kind, endpoint: table  # type: ignore[method-assign]  # the race cannot be timed otherwise
    with pytest.raises(ConflictError, match="another process"):
        stale.append("scores", "wine", rows(2), {"a": 2})
    assert count(log) == 2


def test_others_may_write_meanwhile(tmp_path: Path) -> None:
    log, other = DeltaLog(tmp_path), DeltaLog(tmp_path)
    for number in range(1, 5):
        log.append("scores", "wine", rows(number), {"a": number})
        other.append("scores", "wine", rows(number), {"b": number})
    assert count(log) == 8


def test_a_table_that_is_not_there_is_empty(tmp_path: Path) -> None:
    log = DeltaLog(tmp_path)
    assert log.files("labels", "wine") == []
    assert log.version("labels", "wine") is None
    assert log.transaction_version("labels", "wine", "a") == 0
    assert log.endpoints("labels") == []


def test_a_table_that_was_removed_begins_anew(tmp_path: Path) -> None:
    log = DeltaLog(tmp_path)
    log.append("scores", "wine", rows(1), {"a": 1})
    log.path("scores", "wine").rename(tmp_path / "away")
    assert log.transaction_version("scores", "wine", "a") == 0
    assert log.append("scores", "wine", rows(1), {"a": 1})
    assert count(log) == 1
