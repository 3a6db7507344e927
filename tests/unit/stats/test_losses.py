import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.stats.losses import absolute_error, brier, squared_error, zero_one


@given(st.integers(2, 6), st.integers(0, 20), st.integers(0, 2**32 - 1))
def test_brier_is_the_squared_distance_to_the_one_hot_label(classes: int, rows: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(classes), rows)
    labels = rng.integers(0, classes, rows)
    expected = ((probabilities - np.eye(classes)[labels]) ** 2).sum(axis=1) / (2 if classes == 2 else 1)
    assert brier(labels, probabilities) == pytest.approx(expected, abs=1e-12)


def test_brier_of_two_classes_is_the_squared_error_of_the_probability() -> None:
    p, y = np.array([0.1, 0.7, 1.0]), np.array([0, 1, 0])
    assert brier(y, np.column_stack((1 - p, p))) == pytest.approx((p - y) ** 2)


def test_a_certain_and_right_prediction_loses_exactly_nothing() -> None:
    assert brier([2], [[0.0, 0.0, 1.0]]).tolist() == [0.0]


def test_zero_one_is_one_where_the_class_is_wrong() -> None:
    assert zero_one(["a", "b", "c"], ["a", "c", "c"]).tolist() == [0.0, 1.0, 0.0]


def test_errors_of_numbers() -> None:
    assert absolute_error([1, 2], [3.5, 1]).tolist() == [2.5, 1.0]
    assert squared_error([1, 2], [3.5, 1]).tolist() == [6.25, 1.0]


@pytest.mark.parametrize("loss", [zero_one, absolute_error, squared_error])
def test_rows_must_match(loss: type) -> None:
    with pytest.raises(ValueError, match="shapes"):
        loss([1, 2], [1])


@pytest.mark.parametrize(
    ("labels", "probabilities", "named"),
    [
        ([0, 1], [[0.5, 0.5]], "shapes"),
        ([0], [[1.0]], "shapes"),
        ([2], [[0.5, 0.5]], "labels_index"),
        ([-1], [[0.5, 0.5]], "labels_index"),
        ([0.5], [[0.5, 0.5]], "labels_index"),
        ([0], [[0.5, np.nan]], "probabilities"),
    ],
)
def test_impossible_tables_are_refused_by_name(labels: list[int], probabilities: list[list[float]], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        brier(labels, probabilities)
