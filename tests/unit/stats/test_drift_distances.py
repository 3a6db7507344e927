"""Measures against scipy; those named after other tools have golden files in tests/unit/comparison."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from interlock.stats import kolmogorov_smirnov
from interlock.stats.evidently import psi_evidently, sturges_edges
from interlock.stats.nannyml import doane_edges, jensen_shannon_nannyml
from interlock.stats.severity import severity
from interlock.stats.total_variation import l_infinity, total_variation
from interlock.stats.wasserstein import wasserstein_distance, wasserstein_sigma
from interlock.stats.weighted_values import WeightedValues, merge

RNG = np.random.default_rng(5)
PAIRS: dict[str, tuple[Any, Any]] = {
    "small": (RNG.normal(size=300), RNG.normal(0.4, 1.2, 200)),
    "large": (RNG.normal(size=12_000), RNG.normal(0.02, 1, 3_000)),
    "ties": (RNG.poisson(3, 900), RNG.poisson(3.3, 700)),
    "constant": (np.full(50, 2.0), RNG.normal(size=80)),
}


def both(case: str) -> tuple[WeightedValues, WeightedValues]:
    before, now = PAIRS[case]
    return WeightedValues.of_rows(before), WeightedValues.of_rows(now)


@pytest.mark.parametrize("case", PAIRS)
def test_kolmogorov_smirnov_is_that_of_scipy(case: str) -> None:
    expected = stats.ks_2samp(*PAIRS[case])
    found = kolmogorov_smirnov.analyze(*both(case))
    assert (found.statistic, found.p_value) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9)


@pytest.mark.parametrize("case", PAIRS)
def test_wasserstein_is_that_of_scipy(case: str) -> None:
    before, now = PAIRS[case]
    expected = stats.wasserstein_distance(before, now)
    assert wasserstein_distance(*both(case)) == pytest.approx(expected, rel=1e-9)
    assert wasserstein_sigma(*both(case)) == pytest.approx(expected / max(np.std(before), 0.001), rel=1e-9)


@pytest.mark.parametrize("case", PAIRS)
def test_edges_are_those_of_numpy(case: str) -> None:
    before, now = both(case)
    rows = np.concatenate(PAIRS[case])
    assert sturges_edges(merge(before, now)) == pytest.approx(np.histogram_bin_edges(rows, bins="sturges"))
    if case != "ties":  # NannyML takes whole numbers for floats, NumPy does not
        assert doane_edges(before) == pytest.approx(np.histogram_bin_edges(PAIRS[case][0], bins="doane"))


def test_counted_values_say_what_their_rows_say() -> None:
    rows, counted = WeightedValues.of_rows([1, 1, 2, 5]), WeightedValues(np.array([1.0, 2, 5]), np.array([2.0, 1, 1]))
    other = WeightedValues.of_rows([1, 4, 4])
    assert kolmogorov_smirnov.analyze(rows, other) == kolmogorov_smirnov.analyze(counted, other)
    assert wasserstein_distance(rows, other) == pytest.approx(wasserstein_distance(counted, other))
    assert rows.per_value() == counted.per_value() == {1.0: 2.0, 2.0: 1.0, 5.0: 1.0}
    assert (rows.distinct, counted.rows, rows.mean) == (3, 4.0, 2.25)


def test_missing_and_infinite_values_are_left_out() -> None:
    assert WeightedValues.of_rows([np.nan, np.inf, 2.0, 1.0]).values.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="finite value"):
        WeightedValues.of_rows([np.nan])


def test_values_and_levels_cannot_be_compared() -> None:
    values = WeightedValues.of_rows([1.0])
    for measure in (psi_evidently, jensen_shannon_nannyml):
        with pytest.raises(ValueError, match="both"):
            measure(values, {"a": 1})


def test_distances_of_shares_are_sums_and_maxima_of_differences() -> None:
    before, now = np.array([10, 20, 30, 40]), np.array([5, 1, 2, 2])
    away = np.abs(now / 10 - before / 100)
    assert total_variation(before, now) == pytest.approx(away.sum() / 2)
    assert l_infinity(before, now) == pytest.approx(away.max())
    for wrong in ([1, 2], [0, 0, 0, 0], [1, 2, 3, -1]):
        with pytest.raises(ValueError, match=r"shapes|current_counts"):
            total_variation(before, wrong)


@pytest.mark.parametrize("rows", [60, 1_000, 30_000])
def test_severity_is_about_nothing_without_drift_at_any_size(rows: int) -> None:
    rng = np.random.default_rng(rows)
    found = [severity(rng.multinomial(10_000, [0.1] * 10), rng.multinomial(rows, [0.1] * 10)) for _ in range(200)]
    assert np.mean(found) < 0.6 / rows**0.5


@pytest.mark.parametrize("rows", [2_000, 50_000])
def test_severity_of_a_drift_does_not_depend_on_the_size(rows: int) -> None:
    rng = np.random.default_rng(1)
    shifted = np.diff(stats.norm.cdf(stats.norm.ppf(np.linspace(0, 1, 11)) - 0.25))
    found = [severity(rng.multinomial(20_000, [0.1] * 10), rng.multinomial(rows, shifted)) for _ in range(50)]
    assert np.mean(found) == pytest.approx(0.10, abs=0.01)


def test_severity_ends_at_one() -> None:
    assert severity([100, 0], [0, 100]) == pytest.approx(1.0)
    assert severity([], []) == 0.0
    assert severity([5, 5], [0, 0]) == 0.0
