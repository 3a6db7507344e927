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
