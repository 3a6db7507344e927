from datetime import UTC, datetime
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from interlock.domain.row_condition import spell
from interlock.monitoring.slice_bins import BinnedColumn, binned
from interlock.predictions.judged_answers import JudgedAnswers

RNG = np.random.default_rng(1)


def cut(values: Any, kind: pa.DataType | None = None) -> BinnedColumn | None:
    column = pa.chunked_array([pa.array(values, kind)])
    return binned("x", column, np.ones(len(column), dtype=np.bool_))


def conditions(found: BinnedColumn | None) -> list[str]:
    assert found is not None
    return [spell(each) for each in found.conditions]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 1, 1, 0, None], ["x = 0", "x = 1", "x is missing"]),
        ([True, False, True, False], ["x = true", "x = false"]),
        (["a", "b", "a", "b", "a", "c", None], ["x = a", "x = b", "x is missing"]),
        (["a and b", "a and b", "c", "c"], ["x = 'a and b'", "x = c"]),
    ],
)
def test_few_values_are_bins_of_their_own(values: list[Any], expected: list[str]) -> None:
    assert sorted(conditions(cut(values))) == sorted(expected)


def test_many_numbers_are_cut_where_people_can_read_it() -> None:
    found = conditions(cut(np.arange(100_000) / 7))
    assert found[:2] == ["x <= 2860", "x > 2860 and x <= 5710"]
    assert len(found) == 5


@pytest.mark.parametrize(
    "values",
    [[f"name {n}" for n in range(50)], [[1.0], [2.0]], [datetime(2026, 1, 1, tzinfo=UTC)] * 3, [1.0, 1.0, 1.0], []],
)
def test_what_has_no_bins_of_use_is_left_out(values: list[Any]) -> None:
    assert cut(values) is None


@pytest.mark.parametrize(
    "values",
    [
        RNG.normal(size=500), RNG.normal(size=500).astype(np.float32), RNG.integers(0, 2**40, 500),
        RNG.lognormal(0, 9, 500), -RNG.lognormal(-20, 3, 500), RNG.integers(0, 5, 500),
        np.where(RNG.random(500) < 0.2, np.nan, RNG.normal(size=500)),
        RNG.choice(["it's", "x and y", " space", "5", "", "true"], 500),
    ],
)  # fmt: skip
def test_a_bin_and_its_condition_hold_for_the_same_rows(values: Any) -> None:
    column = pa.array(values, from_pandas=True)
    found = binned("x", pa.chunked_array([column]), RNG.random(len(column)) < 0.5)
    assert found is not None
    table = pa.table({"input.x": column})
    answers = JudgedAnswers("wine", table.schema)
    for number, conditions in enumerate(found.conditions):
        where = answers.where(conditions)
        with duckdb.connect() as database:
            database.register("rows", table)
            said = database.execute(f"SELECT {where.sql} FROM rows", dict(where.given)).fetchnumpy()
        assert np.array_equal(next(iter(said.values())), found.codes == number), spell(conditions)
