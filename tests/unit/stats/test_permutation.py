import numpy as np
import pytest
from scipy.stats import hypergeom, pearson3

from interlock.stats.permutation import count_tails, score_p_value, upper_tail


@pytest.mark.parametrize("seed", range(5))
def test_tails_of_counts_are_those_of_the_hypergeometric_distribution(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(20):
        everything = int(rng.integers(20, 20_000))
        rows = int(rng.integers(5, everything - 5))
        totals = rng.integers(1, everything, size=5)
        law = hypergeom(everything, totals, rows)
        counts = np.array([hypergeom(everything, t, rows).ppf(q) for t, q in zip(totals, _QUANTILES, strict=True)])
        upper = counts >= totals * rows / everything
        expected = np.where(upper, law.sf(counts - 1), law.cdf(counts))
        # Exact for rare bins; within a third, far out, for others.
        assert np.log(count_tails(counts, totals, rows, everything)) == pytest.approx(np.log(expected), abs=0.35)


_QUANTILES = (1e-6, 1e-3, 0.5, 1 - 1e-3, 1 - 1e-6)


def test_rare_bins_are_exact() -> None:
    tails = count_tails([4, 0, 1], [4, 3, 2], 50, 1_000)
    laws = [hypergeom(1_000, total, 50) for total in (4, 3, 2)]
    assert tails == pytest.approx([laws[0].sf(3), laws[1].cdf(0), laws[2].sf(0)], rel=1e-9)


def test_the_gamma_tail_is_that_of_scipy() -> None:
    z, skewness = np.array([0.7, 2.0, 4.0, 5.5, 4.0]), np.array([0.0, 0.8, 0.05, 0.02, -0.1])
    assert upper_tail(z, skewness) == pytest.approx(
        [pearson3(s).sf(at) for s, at in zip(skewness, z, strict=True)], rel=1e-3
    )


def test_scores_keep_their_level_under_reshuffling() -> None:
    rng = np.random.default_rng(3)
    totals, scores = np.array([300, 40, 10, 5, 200]), np.array([0.0, 1.0, 5.0, 30.0, 0.5])
    p_values = [score_p_value(rng.multivariate_hypergeometric(totals, 60), totals, scores) for _ in range(4_000)]
    for level in (0.05, 0.005):
        assert np.mean(np.array(p_values) <= level) <= level + 3 * (level / 4_000) ** 0.5


def test_equal_scores_and_empty_samples_say_nothing() -> None:
    assert score_p_value([3, 4], [10, 10], [2.0, 2.0]) == 1.0
    assert score_p_value([0, 0], [10, 10], [1.0, 2.0]) == 1.0
    assert score_p_value([10, 10], [10, 10], [1.0, 2.0]) == 1.0
