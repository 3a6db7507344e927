import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2_contingency, fisher_exact, norm

from interlock.stats.two_sample import analyze

DECILES = norm.ppf(np.arange(1, 10) / 10)
TABLES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=30)


def bin_normals(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Counts per standard normal decile, and none missing."""
    return np.bincount(np.searchsorted(DECILES, values), minlength=11)


def test_dense_counts_give_the_contingency_test_of_scipy() -> None:
    reference, current = [310, 220, 150, 400], [90, 60, 70, 80]
    expected = chi2_contingency([reference, current], correction=False)
    result = analyze(reference, current)
    assert (result.statistic, result.p_value, result.dof) == pytest.approx(
        (expected.statistic, expected.pvalue, expected.dof)
    )


@given(TABLES)
def test_distances_agree_with_scipy_and_lie_between_zero_and_one(table: list[tuple[int, int]]) -> None:
    reference, current = np.array(table).T
    result = analyze(reference, current)
    if reference.sum() and current.sum():
        assert result.jensen_shannon == pytest.approx(jensenshannon(reference, current, base=2), abs=1e-7)
        shares = reference / reference.sum() - current / current.sum()
        assert result.total_variation == pytest.approx(np.maximum(shares, 0).sum(), abs=1e-9)
    assert 0 <= result.jensen_shannon <= 1
    assert 0 <= result.p_value <= 1


@given(TABLES)
def test_sides_can_be_exchanged(table: list[tuple[int, int]]) -> None:
    reference, current = np.array(table).T
    there, back = analyze(reference, current), analyze(current, reference)
    assert (there.p_value, there.dof, there.jensen_shannon) == pytest.approx(
        (back.p_value, back.dof, back.jensen_shannon)
    )


@pytest.mark.parametrize(
    ("levels", "reference_rows", "current_rows"),
    [(1000, 50, 50), (1000, 10_000, 50), (10, 10_000, 50), (40, 1000, 1000), (40, 100_000, 1000)],
)
@pytest.mark.parametrize("skewed", [False, True])
def test_false_alarms_stay_near_level_also_on_sparse_bins(
    levels: int, reference_rows: int, current_rows: int, skewed: bool
) -> None:
    rng = np.random.default_rng(1)
    weights = 1 / np.arange(1, levels + 1) if skewed else np.ones(levels)
    shares = weights / weights.sum()
    p_values = np.array(
        [
            analyze(rng.multinomial(reference_rows, shares), rng.multinomial(current_rows, shares)).p_value
            for _ in range(3000)
        ]
    )
    # Unpooled, 1,000 levels at 50 rows alarm in 26 % at a nominal 0.1 %.
    # The bounds are three standard errors of 3,000 runs.
    assert (p_values < 0.001).mean() <= 0.001 + 0.0018
    assert (p_values < 0.05).mean() <= 0.05 + 0.012


@pytest.mark.parametrize(("mean", "sd"), [(0.25, 1.0), (0.0, 1.5**0.5)])
def test_shift_and_spread_are_found_at_a_thousand_rows(mean: float, sd: float) -> None:
    rng = np.random.default_rng(2)
    found = [
        analyze(bin_normals(rng.normal(size=10_000)), bin_normals(rng.normal(mean, sd, 1000))).p_value < 0.001
        for _ in range(100)
    ]
    assert np.mean(found) >= 0.95


@pytest.mark.parametrize("reference_rows", [1000, 10_000, 100_000])
def test_values_that_go_missing_are_found_although_the_reference_had_none(reference_rows: int) -> None:
    rng = np.random.default_rng(3)
    found = []
    for _ in range(100):
        current = bin_normals(rng.normal(size=950))
        current[10] = 50
        found.append(analyze(bin_normals(rng.normal(size=reference_rows)), current).p_value < 0.001)
    assert np.mean(found) >= 0.95


@pytest.mark.parametrize(
    ("reference", "current"), [([5000, 2], [300, 5]), ([5000, 30], [300, 0]), ([300, 4], [5000, 1])]
)
def test_a_sparse_bin_is_tested_exactly(reference: list[int], current: list[int]) -> None:
    tails = [fisher_exact([reference, current], alternative=side).pvalue for side in ("less", "greater")]
    result = analyze(reference, current)
    assert result.p_value == pytest.approx(min(1, 2 * min(tails)), rel=1e-6)
    assert result.dof == 1


def test_a_constant_column_that_loses_values_is_found() -> None:
    assert analyze([100_000, 0], [950, 50]).p_value < 1e-9


def test_too_few_rows_say_so() -> None:
    for reference, current in (([1, 1, 1], [2, 0, 1]), ([50], [50]), ([0, 0], [5, 50]), ([], [])):
        result = analyze(reference, current)
        assert (result.p_value, result.dof) == (1.0, 0)


def test_bins_empty_on_both_sides_change_nothing() -> None:
    assert analyze([30, 0, 50, 0], [10, 0, 90, 0]) == analyze([30, 50], [10, 90])


def test_pooling_leaves_no_bin_under_the_expected_count() -> None:
    # 20 bins of 10 + 10 rows with a limit of 25 make six pools of 30 + 30; the last 20 + 20 join one of them.
    assert analyze([10] * 20, [10] * 20, min_expected=25).dof == 5


def test_impossible_input_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="shapes"):
        analyze([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="negative"):
        analyze([1, -2], [1, 2])
    with pytest.raises(ValueError, match="min_expected"):
        analyze([1, 2], [1, 2], min_expected=0)
