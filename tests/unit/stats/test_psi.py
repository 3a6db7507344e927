import numpy as np
import pytest
from scipy.stats import entropy

from interlock.stats.psi import population_stability_index


def test_it_is_the_relative_entropy_in_both_directions() -> None:
    reference, current = np.array([310, 220, 150, 400]), np.array([90, 60, 70, 80])
    expected = entropy(current, reference) + entropy(reference, current)
    assert population_stability_index(reference, current) == pytest.approx(expected)


def test_the_same_shares_have_index_zero() -> None:
    assert population_stability_index([10, 20, 0], [100, 200, 0]) == 0.0


def test_an_empty_bin_counts_as_half_a_row() -> None:
    expected = (0.5 - 0.6) * np.log(0.5 / 0.6) + (0.5 - 0.4) * np.log(0.5 / 0.4) + (0.2 - 0.005) * np.log(0.2 / 0.005)
    assert population_stability_index([60, 40, 0], [50, 50, 0]) == pytest.approx(expected - 0.195 * np.log(40))
    shares = np.array([[0.5, 0.3, 0.2], [0.6, 0.4, 0.005]])
    expected = float(((shares[0] - shares[1]) * np.log(shares[0] / shares[1])).sum())
    assert population_stability_index([60, 40, 0], [50, 30, 20]) == pytest.approx(expected)


def test_fifty_rows_pass_a_tenth_in_most_windows_without_drift() -> None:
    rng = np.random.default_rng(1)
    passed = [population_stability_index([1000] * 10, rng.multinomial(50, [0.1] * 10)) > 0.1 for _ in range(300)]
    assert np.mean(passed) > 0.5


def test_impossible_input_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="shapes"):
        population_stability_index([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="current_counts"):
        population_stability_index([1, 2], [0, 0])
    with pytest.raises(ValueError, match="reference_counts"):
        population_stability_index([3, -1], [1, 2])
