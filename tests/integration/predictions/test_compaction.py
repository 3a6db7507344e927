from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError
from tests.integration.predictions.tables import content, predictions

from interlock.predictions import compaction
from interlock.predictions.compaction import Job
from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.log_schema import FIELD_NAME
from interlock.predictions.reader import LogReader

MIB = 1024 * 1024


def fill(log: DeltaLog, commits: int, day: date = date(2026, 1, 1), first: int = 0) -> None:
    for number in range(first, first + commits):
        log.append("predictions", "wine", predictions([number], day), {f"spool{day}": number + 1})


def table(log: DeltaLog) -> DeltaTable:
    return DeltaTable(log.path("predictions", "wine"))


def in_files(log: DeltaLog, day: date) -> int:
    return len(log.files("predictions", "wine", where=[("date", "=", day.isoformat())]))


def now(log: DeltaLog, **later: float) -> datetime:
    return datetime.now(UTC) + timedelta(**later)


def test_a_day_is_compacted_when_it_has_many_small_files(tmp_path: Path) -> None:
    log, quiet, busy = DeltaLog(tmp_path), date(2026, 1, 1), date(2026, 1, 2)
    fill(log, 15, quiet)
    assert compaction.due(table(log), now(log)) == []
    fill(log, 16, busy, first=100)
    (job,) = compaction.due(table(log), now(log))
    assert job == Job((("date", "=", "2026-01-02"),), 4 * MIB)
    assert compaction.compact(table(log), job) == 16
    assert (in_files(log, quiet), in_files(log, busy)) == (15, 1)
    assert compaction.due(table(log), now(log)) == []


def test_a_day_that_has_settled_becomes_one_file(tmp_path: Path) -> None:
    log = DeltaLog(tmp_path)
    fill(log, 3)
    assert compaction.due(table(log), now(log, hours=23)) == []
    (job,) = compaction.due(table(log), now(log, hours=25))
    compaction.compact(table(log), job)
    assert in_files(log, date(2026, 1, 1)) == 1
    assert compaction.due(table(log), now(log, hours=25)) == []


def test_middling_files_become_large_ones_when_they_fill_one(tmp_path: Path) -> None:
    log = DeltaLog(tmp_path)
    values = pa.table({"x": pa.array(range(2_000_000), pa.int64())})
    for number in range(1, 6):
        log.append("scores", "wine", values, {"a": number})
    large = DeltaTable(log.path("scores", "wine"))
    sizes = pa.table(large.get_add_actions(flatten=True))["size_bytes"].to_pylist()
    assert max(sizes) < 32 * MIB
    needed = 64 * MIB // sizes[0] + 1
    for number in range(6, needed + 1):
        log.append("scores", "wine", values, {"a": number})
    large.update_incremental()
    assert compaction.due(large, now(log)) == [Job((), 64 * MIB)]


def test_compaction_changes_no_row_and_forgets_no_writer(tmp_path: Path) -> None:
    log = DeltaLog(tmp_path)
    fill(log, 20)
    before, upto = content(log), log.transaction_version("predictions", "wine", "spool2026-01-01")
    (job,) = compaction.due(table(log), now(log))
    compaction.compact(table(log), job)
    after = content(DeltaLog(tmp_path))
    assert after.equals(before)
    assert (after.schema.field("input.x").metadata or {}).get(FIELD_NAME) == b"input.X"
    assert log.transaction_version("predictions", "wine", "spool2026-01-01") == upto
    assert not log.append("predictions", "wine", predictions([19]), {"spool2026-01-01": 20})


def test_readers_of_new_rows_see_none_in_what_compaction_wrote(tmp_path: Path) -> None:
    log, reader = DeltaLog(tmp_path), LogReader(tmp_path)
    fill(log, 16)
    seen, _ = reader.new_rows("wine", None)
    (job,) = compaction.due(table(log), now(log))
    compaction.compact(table(log), job)
    fill(log, 1, first=50)
    version, rows = reader.new_rows("wine", seen)
    assert (version, rows["prediction_id"].to_pylist()) == (seen + 2, ["p50"])
    reader.close()


def test_an_append_since_the_look_is_no_matter_and_a_deletion_stops_it(tmp_path: Path) -> None:
    log = DeltaLog(tmp_path)
    fill(log, 16)
    stale = table(log)
    (job,) = compaction.due(stale, now(log))
    fill(log, 1, first=51)
    table(log).delete("unit = 'u0'")
    with pytest.raises(CommitFailedError):
        compaction.compact(stale, job)
    assert sorted(content(log)["unit"].unique().to_pylist()) == ["u1", "u2", "u3", "u4"]
    assert content(log).num_rows == 12 + 1
    fill(log, 1, first=52)
    assert compaction.compact(table(log), job) == 14
    assert content(log).num_rows == 14
