from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from interlock.learning import data_checks, leakage


def _file(path: Path, **columns: list[Any]) -> Path:
    pq.write_table(pa.table({f"input.{name}": values for name, values in columns.items()}), path)
    return path


def test_an_input_that_is_suddenly_missing_must_not_teach(tmp_path: Path) -> None:
    before = _file(tmp_path / "before", temp=[1.0, 2.0, 3.0, None], kind=["a", "b", "a", "b"])
    now = _file(tmp_path / "now", temp=[None, float("nan"), None, 4.0], kind=["a", None, "a", "b"])
    (fault,) = data_checks.faults(before, now, unusable=0, most_missing=0.3)
    assert fault.startswith("input.temp is missing in 75% of the newest rows, and was in 25% before; a broken feed")
    assert data_checks.faults(before, now, unusable=0, most_missing=0.5) == []


def test_labels_that_mean_nothing_must_not_teach(tmp_path: Path) -> None:
    rows = _file(tmp_path / "rows", x=list(range(40)))
    assert data_checks.faults(rows, rows, unusable=20, most_missing=0) == []
    (fault,) = data_checks.faults(rows, rows, unusable=21, most_missing=0)
    assert fault.startswith("21 of 101 labels are no class of the model")


def test_twins_are_rows_with_all_inputs_alike(tmp_path: Path) -> None:
    training = _file(tmp_path / "training", x=[1.0, 2.0, None], kind=["a", "b", "c"], v=[[1.0], [2.0], [3.0]])
    held_out = _file(
        tmp_path / "held", x=[1.0, 2.0, None, 1.0], kind=["a", "a", "c", "a"], v=[[1.0], [2.0], [3.0], [9.0]]
    )
    assert leakage.duplicates(training, held_out) == 2
