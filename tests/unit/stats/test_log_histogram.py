import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.stats.log_histogram import EDGES_US, SIZE, accumulate, index, indices, quantile


def count(latencies_us: list[float]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.bincount(indices(latencies_us), minlength=SIZE)


def test_layout_runs_from_a_microsecond_to_two_minutes_in_steps_of_five_percent() -> None:
    assert (EDGES_US[0], EDGES_US[-1]) == (1.0, 120e6)
    assert np.all(np.abs(EDGES_US[1:] / EDGES_US[:-1] - 1.05) < 0.0005)
    assert SIZE == 383


def test_layout_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        EDGES_US[0] = 2.0


@given(st.floats(min_value=0, max_value=1e12))
def test_one_value_and_many_values_fall_into_the_same_bin(value: float) -> None:
    assert index(value) == indices([value])[0]


@given(st.integers(min_value=0, max_value=SIZE - 2))
def test_an_edge_belongs_to_the_bin_below_it(number: int) -> None:
    edge = float(EDGES_US[number])
    assert (index(edge), index(math.nextafter(edge, math.inf))) == (number, number + 1)


def test_a_value_over_two_minutes_falls_into_the_last_bin() -> None:
    assert index(120e6 + 1) == index(math.inf) == SIZE - 1


@given(
    st.lists(st.floats(min_value=1, max_value=120e6), min_size=1, max_size=60), st.floats(min_value=0.01, max_value=1)
)
def test_quantile_is_at_most_one_bin_above_that_of_the_sample(latencies: list[float], p: float) -> None:
    exact = float(np.quantile(latencies, p, method="inverted_cdf"))
    assert exact <= quantile(count(latencies), p) * (1 + 1e-12)
    assert quantile(count(latencies), p) <= exact * 1.0505


def test_quantile_says_when_it_does_not_know() -> None:
    assert math.isnan(quantile(np.zeros(SIZE), 0.5))
    assert quantile(count([1e9]), 0.5) == math.inf


def test_quantile_is_not_moved_by_the_rounding_error_of_its_rank() -> None:
    # 0.07 * 100 is 7.000000000000001
    latencies = [10.0] * 7 + [1e6] * 93
    assert quantile(count(latencies), 0.07) == pytest.approx(10, rel=0.05)


def test_counts_accumulate_to_their_sum() -> None:
    assert accumulate(count([5.0, 50.0, 500.0]))[-1] == 3


def test_wrong_input_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="value_us"):
        index(math.nan)
    with pytest.raises(ValueError, match="values"):
        indices([1.0, math.nan])
    with pytest.raises(ValueError, match="shape"):
        quantile([1, 2, 3], 0.5)
    with pytest.raises(ValueError, match="negative"):
        quantile(np.full(SIZE, -1), 0.5)
    with pytest.raises(ValueError, match="p =="):
        quantile(np.ones(SIZE), 0.0)
