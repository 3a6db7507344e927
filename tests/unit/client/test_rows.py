from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from interlock.client.rows import columns_of, encode_inputs
from interlock.domain.errors import InvalidInputError

_EXPECTED = {"x": [1.0, 2.0], "kind": ["a", None]}


@pytest.mark.parametrize(
    "rows",
    [
        _EXPECTED,
        [{"x": 1.0, "kind": "a"}, {"x": 2.0}],
        pl.DataFrame(_EXPECTED),
        pa.table(_EXPECTED),
        {"x": np.array([1.0, 2.0]), "kind": ("a", None)},
    ],
    ids=["columns", "records", "polars", "arrow", "numpy"],
)
def test_every_table_becomes_the_same_columns(rows: Any) -> None:
    assert columns_of(rows) == _EXPECTED


def test_pandas_rows() -> None:
    assert columns_of(pd.DataFrame({"x": [1, 2], 3: [True, False]})) == {"x": [1, 2], "3": [True, False]}


def test_scalars_are_one_row() -> None:
    assert columns_of({"x": 1.5, "kind": "a"}) == {"x": [1.5], "kind": ["a"]}


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ({}, "are empty"),
        ({"x": []}, "are empty"),
        ({"x": [1], "y": [1, 2]}, "different lengths"),
        ("text", "of type str"),
        ([1, 2], "of type list"),
    ],
)
def test_what_is_no_table_is_named(rows: Any, named: str) -> None:
    with pytest.raises(InvalidInputError, match=named):
        columns_of(rows)


def test_datatypes_come_from_the_endpoint_and_are_guessed_for_what_it_does_not_know() -> None:
    columns: dict[str, list[Any]] = {
        "x": [1, 2],
        "vector": [[1, 2, 3], [4, 5, 6]],
        "new": ["a", "b"],
        "flag": [True, None],
    }
    inputs = encode_inputs(columns, {"x": ("FP64", [-1]), "vector": ("FP32", [-1, 3])})
    assert [(each["name"], each["datatype"], each["shape"]) for each in inputs] == [
        ("x", "FP64", [2]),
        ("vector", "FP32", [2, 3]),
        ("new", "BYTES", [2]),
        ("flag", "BOOL", [2]),
    ]


def test_times_and_images_travel_as_json_has_them(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"png")
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    columns = columns_of(pd.DataFrame({"at": [pd.Timestamp(at), pd.NaT], "day": [at.date(), None]}))
    columns |= {"photo": [tmp_path / "a.png", b"png"]}
    known = {"at": ("INT64", [-1]), "day": ("BYTES", [-1]), "photo": ("UINT8", [-1, 8, 6, 3])}
    at_, day, photo = encode_inputs(columns, known)
    assert (at_["datatype"], at_["shape"], at_["data"]) == ("BYTES", [2], ["2026-03-01T12:00:00+00:00", None])
    assert day["data"] == ["2026-03-01", None]
    assert (photo["datatype"], photo["shape"], photo["data"]) == ("BYTES", [2], [b"png", b"png"])


def test_numpys_times_do_not_become_numbers() -> None:
    columns = columns_of({"at": np.array(["2026-03-01T12:00"], dtype="datetime64[ns]")})
    assert encode_inputs(columns, {})[0]["data"] == ["2026-03-01T12:00:00"]
