"""Whether two sets of counts come from one distribution, and how far apart they are.

Called by drift checks on the bins of a profile. The p-value says whether there is a difference, the two distances how
large it is; neither replaces the other. It refuses an asymptotic test on sparse bins: those are pooled first. For one
look at one window; many looks need a correction by the caller.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, rel_entr


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
    enough. Which bins are pooled depends on the totals of both sides only, so it does not bias the test.

    Args:
        reference_counts: Rows per bin, shape (bins,).
        current_counts: Rows in the same bins.
        min_expected: Rows that every bin must be expected to hold on both sides. Over 0; 5 is Cochran's rule.

    Raises:
        ValueError: Shapes differ, a count is negative or not finite, or `min_expected` is not over 0.

    Examples:
        >>> result = analyze([100, 100, 100, 0], [80, 100, 100, 20])
        >>> round(result.p_value, 6), result.dof, round(result.total_variation, 3), round(result.jensen_shannon, 3)
        (8e-05, 3, 0.067, 0.186)
        >>> analyze([1, 1, 1], [2, 0, 1]).dof
        0

    References:
        Pearson (1911), On the probability that two independent distributions of frequency are really samples from the
        same population, doi:10.1093/biomet/8.1-2.250.
        Cochran (1954), Some methods for strengthening the common chi-square tests, doi:10.2307/3001616.
        Lin (1991), Divergence measures based on the Shannon entropy, doi:10.1109/18.61115.
    """
    if not min_expected > 0:
        raise ValueError(f"min_expected == {min_expected}, must be over 0")
    table = _as_table(reference_counts, current_counts)
    rows = table.sum(axis=1)
    if rows.min(initial=np.inf) == 0 or table.shape[1] == 0:
        return TwoSampleResult(p_value=1.0, statistic=0.0, dof=0, total_variation=0.0, jensen_shannon=0.0)
    shares = table / rows[:, np.newaxis]
    pooled = _pool(table, min_expected)
    dof = pooled.shape[1] - 1
    statistic = _chi_square(pooled) if dof > 0 else 0.0
    return TwoSampleResult(
        p_value=float(chdtrc(dof, statistic)) if dof > 0 else 1.0,
        statistic=statistic,
        dof=max(dof, 0),
        total_variation=float(np.abs(shares[0] - shares[1]).sum() / 2),
        jensen_shannon=_jensen_shannon(shares),
    )


def _as_table(reference_counts: ArrayLike, current_counts: ArrayLike) -> NDArray[np.float64]:
    reference = np.asarray(reference_counts, dtype=np.float64)
    current = np.asarray(current_counts, dtype=np.float64)
    if reference.ndim != 1 or reference.shape != current.shape:
        raise ValueError(f"shapes == {reference.shape}, {current.shape}, must be the same number of bins")
    table = np.stack((reference, current))
    if not (np.isfinite(table).all() and (table >= 0).all()):
        raise ValueError("reference_counts and current_counts must be finite and not negative")
    return table


def _pool(table: NDArray[np.float64], min_expected: float) -> NDArray[np.float64]:
    """Merge sparse columns of a table of shape (2, bins) in order; those empty on both sides go."""
    totals = table.sum(axis=0)
    # Expected rows of the smaller side, which is the sparse one in every bin.
    expected = totals * (table.sum(axis=1).min() / totals.sum())
    dense = expected >= min_expected
    order = np.concatenate((np.flatnonzero(~dense & (totals > 0)), np.flatnonzero(dense)))
    # Dense bins follow by size, so that what is left over of the sparse ones joins the smallest.
    sparse_count = int((~dense & (totals > 0)).sum())
    order[sparse_count:] = order[sparse_count:][np.argsort(totals[order[sparse_count:]], kind="stable")]
    starts = _group_starts(expected[order].tolist(), min_expected)
    return np.add.reduceat(table[:, order], starts, axis=1)


def _group_starts(expected: list[float], min_expected: float) -> list[int]:
    """Cut a sequence where at least `min_expected` has gathered; what is left at the end joins the last group."""
    starts, gathered = [0], 0.0
    for number, value in enumerate(expected):
        if gathered >= min_expected:
            starts.append(number)
            gathered = 0.0
        gathered += value
    if gathered < min_expected and len(starts) > 1:
        starts.pop()
    return starts


def _chi_square(table: NDArray[np.float64]) -> float:
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return float(((table - expected) ** 2 / expected).sum())


def _jensen_shannon(shares: NDArray[np.float64]) -> float:
    divergence = rel_entr(shares, shares.mean(axis=0)).sum() / 2
    return float(np.sqrt(min(1.0, max(0.0, divergence / np.log(2)))))
