import multiprocessing
import os
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from interlock.domain.errors import ConflictError
from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.log_schema import FIELD_NAME


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
    with pytest.raises(ConflictError, match="at the same time"):
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


def write_at_once(root: Path, writer: str, column: str, start: Barrier) -> None:
    """The first commits make the table, the later ones add a column."""
    log = DeltaLog(root)
    start.wait()
    for number in range(1, 13):
        more = {column: [1.0]} if number > 6 else {}
        log.append("scores", "wine", pa.table({"x": [number]} | more), {writer: number})


def test_processes_that_make_a_table_at_once_and_widen_it_lose_nothing(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Barrier(3)
    writers = [
        spawn.Process(target=write_at_once, args=(tmp_path, writer, column, start))
        for writer, column in (("a", "y"), ("b", "y"), ("c", "z"))
    ]
    for process in writers:
        process.start()
    for process in writers:
        process.join(60)
    assert [process.exitcode for process in writers] == [0, 0, 0]
    log = DeltaLog(tmp_path)
    assert [log.transaction_version("scores", "wine", writer) for writer in "abc"] == [12, 12, 12]
    assert count(log) == 36
    assert sorted(log.schema("scores", "wine").names) == ["x", "y", "z"]


def test_an_append_goes_on_when_rows_are_deleted_meanwhile(tmp_path: Path) -> None:
    log, other = DeltaLog(tmp_path), DeltaLog(tmp_path)
    log.append("scores", "wine", rows(1, 2), {"a": 1})
    stale = log.table("scores", "wine")
    asked: list[DeltaTable | None] = [stale]
    real = log.table
    log.table = lambda kind, endpoint: asked.pop() if asked else real(kind, endpoint)  # type: ignore[method-assign]  # as above
    there = other.table("scores", "wine")
    assert there is not None
    there.delete("x = 1")
    assert log.append("scores", "wine", rows(3), {"a": 2})
    assert (count(other), other.transaction_version("scores", "wine", "a")) == (2, 2)


@pytest.mark.parametrize(
    "column",
    [
        pa.field("input.AGE", pa.float64()),
        pa.field("input.age", pa.string()),
        pa.field("input.age", pa.float64(), metadata={FIELD_NAME: b"input.Age"}),
    ],
)
def test_rows_placed_before_another_machine_added_their_column_are_refused(tmp_path: Path, column: pa.Field) -> None:
    log = DeltaLog(tmp_path)
    log.append("scores", "wine", pa.table({"input.age": [1.0]}), {"a": 1})
    placed = pa.Table.from_arrays([pa.array([None], column.type)], schema=pa.schema([column]))
    with pytest.raises(ConflictError, match="other columns"):
        log.append("scores", "wine", placed, {"b": 1})
    assert count(log) == 1


def test_an_append_is_on_the_disk_when_it_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: set[str] = set()
    real = os.fsync

    def note(descriptor: int) -> None:
        synced.add(os.readlink(f"/proc/self/fd/{descriptor}"))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    log = DeltaLog(tmp_path)
    log.append("scores", "wine", rows(1), {"a": 1})
    log.append("scores", "wine", rows(2), {"a": 2})
    table = log.path("scores", "wine")
    there = {str(path) for path in table.rglob("*") if path.suffix in (".parquet", ".json")}
    assert len(there) == 4
    assert there | {str(table), str(table / "_delta_log"), str(table.parent)} <= synced


def test_a_folder_may_be_a_link_and_have_any_name(tmp_path: Path) -> None:
    real, link = tmp_path / "my 100% own log", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    log = DeltaLog(link)
    log.append("scores", "wine", rows(1), {"a": 1})
    (file,) = log.files("scores", "wine")
    assert Path(file).parent == real / "scores" / "wine" == log.path("scores", "wine")
    assert Path(file).exists()
