import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import lognorm

from interlock.stats.log_histogram import EDGES_US, SIZE, indices
from interlock.stats.quantile_difference import QuantileResult, analyze

NONE = np.zeros(SIZE, dtype=np.int64)


def count(latencies_us: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.bincount(indices(latencies_us), minlength=SIZE)


@pytest.mark.parametrize("quantile", [0.5, 0.95])
def test_bounds_cover_the_true_quantiles_at_every_look_in_all_but_alpha_of_runs(quantile: float) -> None:
    rng = np.random.default_rng(2)
    true = float(lognorm.ppf(quantile, 0.5, scale=10_000))
    missed = 0
    for _ in range(200):
        counts, covered = [NONE, NONE], True
        for _ in range(30):
            counts = [seen + count(rng.lognormal(np.log(10_000), 0.5, 100)) for seen in counts]
            result = analyze(*counts, quantile=quantile, alpha=0.2)
            covered &= all(arm.lower <= true <= arm.upper for arm in (result.champion, result.challenger))
        missed += not covered
    # 0.2 plus three standard errors of 200 runs
    assert missed / 200 <= 0.2 + 0.085


def test_bounds_at_fixed_ranks_agree_with_the_published_band() -> None:
    # Howard & Ramdas' mixture at n = 10,000 leaves ranks within 0.98680 and 0.99284 for p99 uncertain.
    latencies = np.arange(1.0, 10_001.0) * 1000
    bounds = analyze(count(latencies), NONE, quantile=0.99, alpha=0.1).champion
    assert bounds.lower == pytest.approx(9_868_000, rel=0.05)
    assert bounds.upper == pytest.approx(9_928_400, rel=0.05)


def test_a_slower_challenger_is_told_apart() -> None:
    rng = np.random.default_rng(4)
    result = analyze(count(rng.lognormal(9, 0.4, 3000)), count(rng.lognormal(9.4, 0.4, 3000)))
    assert result.champion.upper < result.challenger.lower
    assert (result.champion_count, result.challenger_count) == (3000, 3000)


def test_bounds_lie_on_edges_around_the_estimate() -> None:
    rng = np.random.default_rng(4)
    champion = analyze(count(rng.lognormal(9, 0.4, 3000)), NONE).champion
    assert champion.lower < champion.estimate < champion.upper
    assert {champion.lower, champion.estimate, champion.upper} <= set(EDGES_US.tolist())


@pytest.mark.parametrize(("quantile", "enough"), [(0.95, 171), (0.99, 555)])
def test_the_upper_bound_is_infinite_until_there_are_enough_requests(quantile: float, enough: int) -> None:
    def upper(requests: int) -> float:
        return analyze(count(np.full(requests, 100.0)), NONE, quantile=quantile).champion.upper

    assert upper(enough - 1) == math.inf
    assert upper(enough) == pytest.approx(100, rel=0.05)


def test_latencies_beyond_the_layout_leave_the_upper_bound_infinite() -> None:
    bounds = analyze(count(np.full(1000, 1e9)), NONE).champion
    assert (bounds.lower, bounds.estimate, bounds.upper) == (120e6, math.inf, math.inf)


def test_without_requests_nothing_is_claimed() -> None:
    result: QuantileResult = analyze(NONE, NONE)
    assert (result.champion.lower, result.champion.upper, result.champion_count) == (0.0, math.inf, 0)
    assert math.isnan(result.champion.estimate)


def test_impossible_input_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="quantile"):
        analyze(NONE, NONE, quantile=1.0)
    with pytest.raises(ValueError, match="alpha"):
        analyze(NONE, NONE, alpha=0.0)
    with pytest.raises(ValueError, match="shape"):
        analyze(NONE[:-1], NONE)
