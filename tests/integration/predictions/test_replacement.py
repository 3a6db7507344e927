from datetime import date
from pathlib import Path
from threading import Event, Thread

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from tests.integration.predictions.tables import content, data_files, digest, predictions

from interlock.domain.errors import ConflictError
from interlock.predictions import replacement
from interlock.predictions.delta_log import DeltaLog


def of_unit(unit: str) -> replacement.Unwanted:
    return lambda batch: pc.equal(batch["unit"], unit)


def fill(log: DeltaLog, commits: int = 4) -> Path:
    for number in range(commits):
        log.append("predictions", "wine", predictions(range(10 * number, 10 * number + 10)), {"a": number + 1})
    return log.path("predictions", "wine")


def test_rows_go_and_the_others_stay_bit_for_bit(tmp_path: Path) -> None:
    log = DeltaLog(tmp_path)
    folder = fill(log)
    rows = content(log)
    left = digest(rows.filter(pc.not_equal(rows["unit"], "u1")))
    assert replacement.delete_rows(folder, data_files(log), of_unit("u1")) == 8
    assert digest(content(DeltaLog(tmp_path))) == left
    assert log.transaction_version("predictions", "wine", "a") == 4
    assert replacement.delete_rows(folder, data_files(log), of_unit("u1")) == 0


def test_only_the_files_that_were_named_are_rewritten(tmp_path: Path) -> None:
    log = DeltaLog(tmp_path)
    folder = fill(log)
    before = set(log.files("predictions", "wine"))
    (first, *_) = sorted(data_files(log))
    assert replacement.delete_rows(folder, [first], of_unit("u1")) == 2
    assert len(before & set(log.files("predictions", "wine"))) == 3


def test_a_file_of_which_nothing_is_left_goes_without_a_successor(tmp_path: Path) -> None:
    log = DeltaLog(tmp_path)
    log.append("predictions", "wine", predictions([1], unit="alice"), {"a": 1})
    folder = log.path("predictions", "wine")
    assert replacement.delete_rows(folder, data_files(log), of_unit("alice")) == 1
    assert log.files("predictions", "wine") == []
    assert log.append("predictions", "wine", predictions([2]), {"a": 2})


def test_appends_at_the_same_time_are_no_hindrance(tmp_path: Path) -> None:
    log, stop = DeltaLog(tmp_path), Event()
    folder = fill(log)

    def append() -> None:
        other, number = DeltaLog(tmp_path), 0
        while not stop.is_set():
            number += 1
            other.append("predictions", "wine", predictions([1000 + number]), {"b": number})

    thread = Thread(target=append)
    thread.start()
    try:
        for unit in range(5):
            assert replacement.delete_rows(folder, data_files(log), of_unit(f"u{unit}")) >= 8
    finally:
        stop.set()
        thread.join()
    upto = log.transaction_version("predictions", "wine", "b")
    assert upto > 0
    assert content(log).num_rows <= upto


def test_a_file_that_somebody_else_rewrote_is_a_conflict(tmp_path: Path) -> None:
    log = DeltaLog(tmp_path)
    folder = fill(log)

    def meanwhile(batch: pa.RecordBatch) -> pa.Array:
        DeltaTable(folder).optimize.compact()
        return of_unit("u1")(batch)

    with pytest.raises(ConflictError, match="another program rewrote files"):
        replacement.delete_rows(folder, data_files(log), meanwhile)
    assert content(log).num_rows == 40


def test_readers_still_know_which_files_to_leave_out(tmp_path: Path) -> None:
    log, days = DeltaLog(tmp_path), (date(2026, 1, 1), date(2026, 1, 2))
    for number, day in enumerate(days):
        rows = predictions(range(10 * number, 10 * number + 10), day).drop(["release_id"])
        log.append(
            "predictions", "wine", rows.append_column("release_id", pa.array([f"r{number}"] * 10)), {"a": number + 1}
        )
    replacement.delete_rows(log.path("predictions", "wine"), data_files(log), of_unit("u0"))
    assert [len(log.files("predictions", "wine", where=[("release_id", "=", f"r{n}")])) for n in range(3)] == [1, 1, 0]
    table = log.table("predictions", "wine")
    assert table is not None
    told = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    assert {(row["max.prediction_id"], row["null_count.prediction_id"]) for row in told} == {("p9", 0), ("p19", 0)}
    assert {row["max.event_at"].date() for row in told} == set(days)
    assert all(row["num_records"] == 8 for row in told)


def test_engines_read_what_was_written(tmp_path: Path) -> None:
    log = DeltaLog(tmp_path)
    folder = fill(log, 1)
    schema = pq.read_schema(next(iter(data_files(log))))
    replacement.delete_rows(folder, data_files(log), of_unit("u1"))
    (file,) = log.files("predictions", "wine")
    assert pq.read_schema(file).remove_metadata() == schema.remove_metadata()
    DeltaTable(folder).create_checkpoint()
    DeltaTable(folder).optimize.compact()
    assert content(DeltaLog(tmp_path)).num_rows == 8
