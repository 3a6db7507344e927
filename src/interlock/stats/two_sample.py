"""Whether two sets of counts come from one distribution, and how far apart they are.

Called by drift checks on the bins of a profile. The p-value says whether there is a difference, the two distances how
large it is; neither replaces the other. It refuses an asymptotic test on sparse bins: those are pooled first. For one
look at one window; many looks need a correction by the caller.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, gammaln, rel_entr


@dataclass(frozen=True, slots=True)
class TwoSampleResult:
    """Evidence of a difference and its size.

    With `dof` 0 there were too few rows to test: `p_value` 1 then means "cannot say", not "no difference".
    `total_variation` and `jensen_shannon` are between 0 and 1, on the shares before pooling; both are 0 if a side has
    no rows.
    """

    p_value: float
    statistic: float
    dof: int
    total_variation: float
    jensen_shannon: float


def analyze(reference_counts: ArrayLike, current_counts: ArrayLike, *, min_expected: float = 5.0) -> TwoSampleResult:
    """Test the homogeneity of two sets of counts with Pearson's chi-square, both with their sampling error.

    Bins with fewer than `min_expected` rows expected on either side are pooled, neighbours first, until each pool has
    enough. What is left over joins the smallest bin, and is tested by itself with Fisher's exact test, so that a value
    that the reference never had (missing, say) is not lost among others; `p_value` is then twice the smaller of both.
    Which bins are pooled depends on the totals of both sides only, so it does not bias the test.

    Args:
        reference_counts: Rows per bin, shape (bins,).
        current_counts: Rows in the same bins.
        min_expected: Rows that every bin must be expected to hold on both sides. Over 0; 5 is Cochran's rule.

    Returns:
        With `dof` 0 and `p_value` 1 where fewer than two bins remain.

    Raises:
        ValueError: Shapes differ, a count is negative or not finite, or `min_expected` is not over 0.

    Examples:
        >>> result = analyze([100, 100, 100, 0], [80, 100, 100, 20])
        >>> round(result.p_value, 6), result.dof, round(result.total_variation, 3), round(result.jensen_shannon, 3)
        (5.9e-05, 3, 0.067, 0.19)
        >>> analyze([1, 1, 1], [2, 0, 1]).dof
        0

    References:
        Pearson (1911), On the probability that two independent distributions of frequency are really samples from the
        same population, doi:10.1093/biomet/8.1-2.250.
        Fisher (1935), The logic of inductive inference, doi:10.2307/2342435.
        Cochran (1954), Some methods for strengthening the common chi-square tests, doi:10.2307/3001616.
        Lin (1991), Divergence measures based on the Shannon entropy, doi:10.1109/18.61115.
    """
    if not min_expected > 0:
        raise ValueError(f"min_expected == {min_expected}, must be over 0")
    table = _as_table(reference_counts, current_counts)
    rows = table.sum(axis=1)
    if table.shape[1] == 0 or rows.min() == 0:
        return TwoSampleResult(p_value=1.0, statistic=0.0, dof=0, total_variation=0.0, jensen_shannon=0.0)
    shares = table / rows[:, np.newaxis]
    p_value, statistic, dof = _test(*_pool(table, min_expected), rows)
    return TwoSampleResult(
        p_value=p_value,
        statistic=statistic,
        dof=dof,
        total_variation=float(np.abs(shares[0] - shares[1]).sum() / 2),
        jensen_shannon=_jensen_shannon(shares),
    )


def pool(
    reference_counts: ArrayLike, current_counts: ArrayLike, *, min_expected: float = 5.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pool sparse bins as `analyze` does; what is left over is a bin of its own.

    Raises:
        ValueError: As `analyze`.
    """
    table = _as_table(reference_counts, current_counts)
    if table.sum(axis=1).min(initial=0.0 if table.shape[1] == 0 else np.inf) == 0:
        return table[0], table[1]
    dense, leftover = _pool(table, min_expected)
    pooled = np.column_stack((dense, leftover)) if leftover.any() else dense
    return pooled[0], pooled[1]


def _as_table(reference_counts: ArrayLike, current_counts: ArrayLike) -> NDArray[np.float64]:
    reference = np.asarray(reference_counts, dtype=np.float64)
    current = np.asarray(current_counts, dtype=np.float64)
    if reference.ndim != 1 or reference.shape != current.shape:
        raise ValueError(f"shapes == {reference.shape}, {current.shape}, must be the same number of bins")
    table = np.stack((reference, current))
    if not (np.isfinite(table).all() and (table >= 0).all()):
        raise ValueError("reference_counts and current_counts must be finite and not negative")
    return table


def _pool(table: NDArray[np.float64], min_expected: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pool sparse columns of a table of shape (2, bins); returns the dense columns and what is left over."""
    totals = table.sum(axis=0)
    # Expected rows of the smaller side, which is the sparse one in every bin.
    expected = totals * (table.sum(axis=1).min() / totals.sum())
    dense = expected >= min_expected
    pools: list[NDArray[np.float64]] = []
    pool, gathered = np.zeros(2), 0.0
    for number in np.flatnonzero(~dense & (totals > 0)).tolist():
        pool, gathered = pool + table[:, number], gathered + expected[number]
        if gathered >= min_expected:
            pools.append(pool)
            pool, gathered = np.zeros(2), 0.0
    return np.column_stack((table[:, dense], *pools)), pool


def _test(
    dense: NDArray[np.float64], leftover: NDArray[np.float64], rows: NDArray[np.float64]
) -> tuple[float, float, int]:
    """P-value, chi-square and degrees of freedom."""
    bins = dense.shape[1]
    if bins == 0 or (bins == 1 and not leftover.any()):
        return 1.0, 0.0, 0
    if not leftover.any():
        statistic = _chi_square(dense)
        return float(chdtrc(bins - 1, statistic)), statistic, bins - 1
    p_exact = _fisher(leftover, rows)
    if bins == 1:
        return p_exact, _chi_square(np.column_stack((dense, leftover))), 1
    joined = dense.copy()
    joined[:, dense.sum(axis=0).argmin()] += leftover
    statistic = _chi_square(joined)
    return min(1.0, 2 * min(p_exact, float(chdtrc(bins - 1, statistic)))), statistic, bins - 1


def _fisher(counts: NDArray[np.float64], rows: NDArray[np.float64]) -> float:
    """Two-sided exact p-value of a sparse bin against all others: twice the tail of the hypergeometric distribution."""
    small = int(rows.argmin())
    observed, drawn, total, marked = counts[small], rows[small], rows.sum(), counts.sum()
    if observed * total > marked * drawn:
        # Few rows are expected, so 200 more than observed have no weight any more.
        tail = np.arange(observed, min(marked, drawn, observed + 200) + 1)
    else:
        tail = np.arange(max(0.0, marked - total + drawn), observed + 1)
    log_ways = _log_choose(drawn, tail) + _log_choose(total - drawn, marked - tail) - _log_choose(total, marked)
    return min(1.0, 2 * float(np.exp(log_ways).sum()))


def _log_choose(whole: float, part: ArrayLike) -> NDArray[np.float64]:
    chosen = np.asarray(part, dtype=np.float64)
    return np.asarray(gammaln(whole + 1) - gammaln(chosen + 1) - gammaln(whole - chosen + 1), dtype=np.float64)


def _chi_square(table: NDArray[np.float64]) -> float:
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return float(((table - expected) ** 2 / expected).sum())


def _jensen_shannon(shares: NDArray[np.float64]) -> float:
    divergence = rel_entr(shares, shares.mean(axis=0)).sum() / 2
    return float(np.sqrt(min(1.0, max(0.0, divergence / np.log(2)))))
