import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.pictures import png

from interlock.domain.contract import Image, Time
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
    with pytest.raises(InvalidInputError, match="'when' has type time64"):
        reference(when=[datetime.time(12)]).field("when")


def test_dates_and_timestamps_are_learnt_with_zone_and_resolution() -> None:
    table = reference(
        day=[datetime.date(2026, 3, 1), None],
        wall=pa.array([0, 1], pa.timestamp("ns")),
        instant=pa.array([0, 1], pa.timestamp("ms", "Europe/Berlin")),
    )
    assert table.field("day").time == Time(is_date=True)
    assert table.field("day").nullable
    assert table.field("wall").time == Time(resolution="ns")
    assert table.field("instant").time == Time(zone="Europe/Berlin", resolution="ms")
    assert table.field("instant").maximum == 0.001
    columns = table.columns([table.field(name) for name in table.names])
    assert {values.dtype.str for values in columns.values()} == {"<M8[us]"}
    assert np.isnat(columns["day"][1])


def test_a_zone_without_name_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="must be one by name"):
        reference(at=pa.array([0], pa.timestamp("s", "+01:00"))).field("at")


def test_times_of_a_csv_file_are_learnt(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("day,wall,instant\n2026-03-01,2026-03-01T12:00:00,2026-03-01T12:00:00Z\n")
    found = read(tmp_path / "r.csv")
    assert [found.field(name).time for name in found.names] == [Time(is_date=True), Time(), Time(zone="UTC")]


def test_lists_are_tensors_of_one_shape_or_of_any() -> None:
    table = reference(v=[[1.0, 2.0], [3.0, 4.0]], r=[[1, 2], [3]], g=[[["a"], ["b"]], [["c"], ["d"]]])
    shapes = {name: (table.field(name).datatype, table.field(name).shape) for name in table.names}
    assert shapes == {"v": ("FP64", (2,)), "r": ("INT64", (-1,)), "g": ("BYTES", (2, 1))}
    columns = table.columns([table.field(name) for name in table.names])
    assert columns["v"].shape == (2, 2)
    assert [row.tolist() for row in columns["r"]] == [[1, 2], [3]]
    assert columns["g"].tolist() == [[["a"], ["b"]], [["c"], ["d"]]]


def test_missing_lists_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="lacks 1 lists"):
        reference(v=[[1.0], None]).field("v")


def test_encoded_files_are_images_of_one_size_or_of_any() -> None:
    field = reference(p=[png(8, 6), png(8, 6)]).field("p")
    assert (field.datatype, field.shape, field.image) == ("UINT8", (8, 6, 3), Image())
    table = reference(p=[{"bytes": png(8, 6, 1), "path": "a"}, {"bytes": png(9, 6, 1), "path": "b"}])
    assert table.field("p").shape == (-1, -1, 1)
    assert [row.shape for row in table.columns([table.field("p")])["p"]] == [(8, 6, 1), (9, 6, 1)]
    with pytest.raises(InvalidInputError, match="an image is no image, must be PNG or JPEG"):
        reference(p=[b"hello"]).field("p")


def test_of_many_images_some_are_looked_at_evenly_spread() -> None:
    table = reference(p=[png(2, 2, seed=seed % 3) for seed in range(1500)], n=list(range(1500)))
    thinned = table.thinned([table.field("p")])
    assert thinned.rows == 1000
    assert (thinned.label("n")[0], thinned.label("n")[-1]) == (0, 1499)
    assert table.thinned([table.field("n")]) is table


def test_dictionaries_are_pandas_categories(tmp_path: Path) -> None:
    table = pa.table({"plan": pa.array(["free", "pro"]).dictionary_encode(), "text": ["a", "b"]})
    pq.write_table(table, tmp_path / "r.parquet")
    found = read(tmp_path / "r.parquet")
    assert (found.field("plan").is_category, found.field("text").is_category) == (True, False)


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
