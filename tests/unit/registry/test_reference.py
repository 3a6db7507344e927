import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from interlock.domain.errors import InvalidInputError
from interlock.registry.reference import Reference, read, spread


def reference(**columns: Any) -> Reference:
    return Reference(pa.table(columns), "digest")


@pytest.mark.parametrize(
    ("values", "datatype", "nullable"),
    [
        ([1, 2], "INT64", False),
        ([1, None], "FP64", True),
        ([1.5, 2.0], "FP64", False),
        ([1.5, float("nan")], "FP64", True),
        ([True, False], "BOOL", False),
        (["a", "b"], "BYTES", False),
        (["a", None], "BYTES", True),
        ([None, None], "FP64", True),
    ],
)
def test_a_field_is_learnt_from_values(values: list[Any], datatype: str, nullable: bool) -> None:
    field = reference(x=pa.array(values)).field("x")
    assert (field.datatype, field.nullable) == (datatype, nullable)


def test_ranges_and_categories_are_learnt_and_nothing_is_declared() -> None:
    table = reference(x=[3.0, float("nan"), -1.0], plan=["b", "a", "b"])
    assert (table.field("x").minimum, table.field("x").maximum) == (-1.0, 3.0)
    assert table.field("plan").categories == ("a", "b")
    assert not table.field("plan").declared


def test_text_of_many_distinct_values_has_no_categories() -> None:
    assert reference(id=[f"u{at}" for at in range(201)]).field("id").categories is None


def test_a_type_that_no_model_takes_is_refused_by_name() -> None:
    with pytest.raises(InvalidInputError, match="'when' has type date32"):
        reference(when=[datetime.date(2026, 1, 1)]).field("when")


def test_columns_are_as_models_are_fed(tmp_path: Path) -> None:
    table = pa.table({"n": [1, 2], "f": pa.array([1.5, None]), "b": [True, False], "t": pa.array(["x", None])})
    pq.write_table(table.set_column(3, "t", table["t"].dictionary_encode()), tmp_path / "r.parquet")
    found = read(tmp_path / "r.parquet")
    columns = found.columns([found.field(name) for name in found.names])
    assert [columns[name].dtype for name in "nfbt"] == [np.int64, np.float64, np.bool_, np.object_]
    assert np.isnan(columns["f"][1])
    assert columns["t"].tolist() == ["x", None]


def test_a_csv_file_is_read_with_empty_cells_missing(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("amount,plan,trial\n1.5,free,true\n,,false\n")
    found = read(tmp_path / "r.csv")
    assert [(found.field(name).datatype, found.field(name).nullable) for name in found.names] == [
        ("FP64", True),
        ("BYTES", True),
        ("BOOL", False),
    ]


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("r.parquet", b"not parquet", "r.parquet cannot be read"),
        ("r.csv", b"a,b\n1,2,3\n", "r.csv cannot be read"),
        ("r.csv", b"a,b\n", "has no rows"),
        ("r.xlsx", b"", "must be .parquet or .csv"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_sentence(tmp_path: Path, name: str, content: bytes, named: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInputError, match=named) as refused:
        read(tmp_path / name)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="no such file"):
        read(tmp_path / "gone.csv")


def test_spread_keeps_first_and_last() -> None:
    kept = spread({"x": np.arange(1001)}, 1001, 11)["x"]
    assert kept.tolist() == list(range(0, 1001, 100))
    assert spread({"x": np.arange(5)}, 5, 11)["x"].tolist() == [0, 1, 2, 3, 4]
