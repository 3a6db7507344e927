import numpy as np
import pytest

from interlock.application_test.groups import FEWEST_ROWS, by_column, group_names, slices_of


def test_groups_show_what_people_read_and_gaps_compare_large_ones() -> None:
    values = ["north"] * 40 + ["south"] * 40 + ["west"] * (FEWEST_ROWS - 1)
    wrong = np.array([0.0] * 30 + [1.0] * 10 + [0.0] * 40 + [1.0] * (FEWEST_ROWS - 1))
    groups, (gap,) = slices_of("region", values, {"error_rate": wrong})
    assert [(group.value, group.rows, group.metrics["accuracy"]) for group in groups] == [
        ("north", 40, 0.75), ("south", 40, 1.0), ("west", 29, 0.0),
    ]  # fmt: skip
    assert (gap.column, gap.metric, gap.difference) == ("region", "accuracy", 0.25)


def test_one_large_group_has_nothing_to_differ_from() -> None:
    _, (gap,) = slices_of("region", ["north"] * 50 + ["south"], {"brier": np.full(51, 0.1)})
    assert gap.difference is None


def test_rows_without_a_loss_are_not_counted() -> None:
    (group,), _ = slices_of("x", ["a", "a"], {"mae": np.array([1.0, np.nan])})
    assert (group.rows, group.metrics) == (1, {"mae": 1.0})


def test_differences_of_absolute_errors_are_shares_of_the_overall_one() -> None:
    losses = np.array([1.0] * 40 + [3.0] * 40)
    _, (gap,) = slices_of("x", ["a"] * 40 + ["b"] * 40, {"mae": losses})
    assert gap.difference == pytest.approx(1.0)


def test_numbers_are_cut_into_quarters_where_they_are_many() -> None:
    names = group_names([*range(100), None])
    assert len(set(names.tolist())) == 5
    assert names[-1] == "missing"
    assert group_names([1, 0, 1]).tolist() == ["1", "0", "1"]


def test_every_named_column_is_grouped() -> None:
    losses = {"mae": np.ones(2)}
    groups, gaps = by_column({"a": ["x", "y"], "b": [1, 1]}, ["a", "b"], losses)
    assert [(group.column, group.value) for group in groups] == [("a", "x"), ("a", "y"), ("b", "1")]
    assert [gap.column for gap in gaps] == ["a", "b"]
