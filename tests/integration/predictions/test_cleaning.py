import os
import time
from pathlib import Path

import pytest
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from tests.integration.predictions.tables import content, data_files, digest, predictions

from interlock.predictions import cleaning, compaction
from interlock.predictions.compaction import Job
from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.reader import LogReader

ALL = Job((("date", "=", "2026-01-01"),), 4 * 1024 * 1024)


def fill(log: DeltaLog, commits: int, first: int = 0) -> None:
    for number in range(first, first + commits):
        log.append("predictions", "wine", predictions([number]), {"spool": number + 1})


def table(log: DeltaLog) -> DeltaTable:
    return DeltaTable(log.path("predictions", "wine"))


def test_replaced_files_stay_for_a_week_and_go_then(tmp_path: Path) -> None:
    log = DeltaLog(tmp_path)
    fill(log, 5)
    compaction.compact(table(log), ALL)
    month_ago = time.time() - 30 * 86_400
    for file in data_files(log):
        os.utime(file, (month_ago, month_ago))
    assert cleaning.vacuum(table(log), []) == 0
    assert cleaning.vacuum(table(log), [], keep_hours=0) == 5
    assert len(data_files(log)) == 1
    assert content(log).num_rows == 5


def test_files_of_a_commit_that_may_still_come_stay_and_those_of_dead_writers_go(tmp_path: Path) -> None:
    log = DeltaLog(tmp_path)
    fill(log, 1)
    (present,) = data_files(log)
    coming, abandoned = present.with_name("coming.parquet"), present.with_name("abandoned.parquet")
    for orphan in (coming, abandoned):
        orphan.write_bytes(present.read_bytes())
    month_ago = time.time() - 30 * 86_400
    os.utime(abandoned, (month_ago, month_ago))
    assert cleaning.vacuum(table(log), []) == 1
    assert data_files(log) == {present, coming}


def test_a_pinned_version_keeps_its_files_and_its_commit(tmp_path: Path) -> None:
    log = DeltaLog(tmp_path)
    fill(log, 5)
    pinned, rows = table(log).version(), digest(content(log))
    table(log).create_checkpoint()
    fill(log, 20, first=5)
    compaction.compact(table(log), ALL)
    table(log).delete("unit = 'u1'")
    assert cleaning.vacuum(table(log), [pinned], keep_hours=0) == 21
    table(log).create_checkpoint()
    fill(log, 2, first=25)
    assert cleaning.drop_commits(table(log), [pinned], keep=1) > 20
    old = DeltaTable(log.path("predictions", "wine"), version=pinned)
    assert digest(old.to_pyarrow_table()) == rows
    assert content(log).num_rows == 20 + 2


def test_commits_go_when_there_are_many_and_nothing_is_lost_by_it(tmp_path: Path) -> None:
    log, lagging = DeltaLog(tmp_path), DeltaLog(tmp_path)
    fill(log, 5)
    lagging.table("predictions", "wine")
    fill(log, 20, first=5)
    assert cleaning.drop_commits(table(log), [], keep=10) == 0
    table(log).create_checkpoint()
    fill(log, 10, first=25)
    # All before the checkpoint, which is at commit 24.
    assert cleaning.drop_commits(table(log), [], keep=10) == 24
    assert cleaning.drop_commits(table(log), [], keep=10) == 0
    for reader in (log, lagging, DeltaLog(tmp_path)):
        assert content(reader).num_rows == 35
        assert reader.transaction_version("predictions", "wine", "spool") == 35
    assert not lagging.append("predictions", "wine", predictions([7]), {"spool": 8})
    with pytest.raises(DeltaError):
        DeltaTable(log.path("predictions", "wine"), version=20)


def test_a_reader_of_new_rows_whose_history_is_gone_gets_all_rows(tmp_path: Path) -> None:
    log, reader = DeltaLog(tmp_path), LogReader(tmp_path)
    fill(log, 3)
    seen, _ = reader.new_rows("wine", None)
    fill(log, 10, first=3)
    table(log).create_checkpoint()
    fill(log, 2, first=13)
    assert cleaning.drop_commits(table(log), [], keep=1) == 12
    _, rows = reader.new_rows("wine", seen)
    assert rows.num_rows == 15
    seen, _ = reader.new_rows("wine", None)
    log.append("predictions", "wine", predictions([15, 16]), {"spool": 16})
    table(log).delete("unit = 'u0'")
    cleaning.vacuum(table(log), [], keep_hours=0)
    _, rows = reader.new_rows("wine", seen)
    assert sorted(rows["prediction_id"].to_pylist()) == sorted(content(log)["prediction_id"].to_pylist())
    assert "p16" in rows["prediction_id"].to_pylist()
    reader.close()
