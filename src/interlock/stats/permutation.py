"""Tail probabilities when rows are dealt to two samples at random: the null hypothesis of every two-sample test.

Called by `homogeneity` for each bin and each score of a column. Given what both samples hold together, how much of it
fell to one of them has a known distribution, so no expected count has to be large. It refuses to be a normal
approximation: single bins are exact, sums of scores get the exact skewness, because a test that is corrected over
hundreds of columns is read at one in a hundred thousand.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammainc, gammaincc, gammaln, ndtr

Floats = NDArray[np.float64]

# From this standard deviation on, a hypergeometric tail and its gamma approximation differ by a few per cent where a
# decision is made; below it the terms are few enough to be added up.
_ADDED_UP_BELOW = 8.0

# The smallest skewness for which the gamma distribution is told apart from the normal one, and from where.
_SYMMETRIC = 1e-4
_FAR_OUT = 0.5

_LARGE_SHAPE = 100.0


def count_tails(counts: ArrayLike, totals: ArrayLike, rows: float, all_rows: float) -> Floats:
    """How surprising it is that so many, or so few, of each bin's rows fell to one sample (Fisher's exact test).

    Args:
        counts: Rows of the sample in each bin.
        totals: Rows of both samples in each bin.
        rows: Rows of the sample.
        all_rows: Rows of both.

    Returns:
        One tail for each bin: that of more rows where there are at least as many as expected, of fewer elsewhere. Twice
        of it is a two-sided p-value.

    Examples:
        >>> count_tails([5, 45], [5, 95], 50, 100).round(4).tolist()
        [0.0281, 0.0281]

    References:
        Fisher (1935), The logic of inductive inference, doi:10.2307/2342435.
    """
    counts, totals = np.asarray(counts, dtype=np.float64), np.asarray(totals, dtype=np.float64)
    expected = totals * rows / all_rows
    spread = max(1.0, all_rows - 1.0)
    variance = expected * (1 - totals / all_rows) * (all_rows - rows) / spread
    many = variance >= _ADDED_UP_BELOW**2
    tails = np.empty(len(counts))
    tails[~many] = _added_up(counts[~many], totals[~many], rows, all_rows, counts[~many] >= expected[~many])
    deviation = np.sqrt(variance[many])
    share = totals[many] / all_rows
    skewness = (1 - 2 * share) / np.sqrt(share * (1 - share)) * _sampling_skewness(rows, all_rows)
    z = np.maximum(0.0, np.abs(counts[many] - expected[many]) - 0.5) / deviation
    tails[many] = upper_tail(z, np.where(counts[many] >= expected[many], skewness, -skewness))
    return np.minimum(1.0, tails)


def score_p_value(counts: ArrayLike, totals: ArrayLike, scores: ArrayLike) -> float:
    """How surprising the sum of scores is that fell to one sample, two-sided.

    Args:
        counts: Rows of the sample in each bin.
        totals: Rows of both samples in each bin.
        scores: What a row of each bin adds.

    Returns:
        1 where all rows have the same score.

    Examples:
        >>> score_p_value([5, 10, 35], [50, 50, 100], [1, 2, 3]) < 1e-3
        True

    References:
        Mielke & Berry (2007), Permutation Methods, chapter 2: Pearson type III approximation with exact moments.
    """
    counts, totals = np.asarray(counts, dtype=np.float64), np.asarray(totals, dtype=np.float64)
    scores = np.asarray(scores, dtype=np.float64)
    rows, all_rows = counts.sum(), totals.sum()
    if rows in (0, all_rows) or all_rows < 3:
        return 1.0
    centred = scores - totals @ scores / all_rows
    variance, third = totals @ centred**2 / all_rows, totals @ centred**3 / all_rows
    if variance <= 0:
        return 1.0
    deviation = np.sqrt(rows * (all_rows - rows) / (all_rows - 1) * variance)
    skewness = third / variance**1.5 * _sampling_skewness(rows, all_rows)
    levels = np.unique(scores[totals > 0])
    away = float(counts @ centred)
    z = max(0.0, abs(away) - np.diff(levels).min() / 2) / deviation
    tail = upper_tail(np.array([z]), np.array([skewness if away >= 0 else -skewness]))
    return float(min(1.0, 2 * tail[0]))


def upper_tail(z: Floats, skewness: Floats) -> Floats:
    """P(Z >= z) of a standardised Pearson type III (shifted gamma) variable.

    Examples:
        >>> upper_tail(np.array([3.0, 3.0, 3.0]), np.array([0.0, 0.5, -0.5])).round(5).tolist()
        [0.00135, 0.00543, 0.0]
    """
    tails = np.asarray(ndtr(-z), dtype=np.float64)
    skewed = (np.abs(skewness) > _SYMMETRIC) & (z > _FAR_OUT)
    shape = 4 / skewness[skewed] ** 2
    # How far the gamma variable is from its mean, relative to it; a negative skewness mirrors it.
    away = np.sign(skewness[skewed]) * z[skewed] / np.sqrt(shape)
    tails[skewed] = np.where(
        away <= -1, 0.0, np.where(shape < _LARGE_SHAPE, _gamma_tail(shape, away), _large_gamma_tail(shape, away))
    )
    return tails


def _gamma_tail(shape: Floats, away: Floats) -> Floats:
    place = np.maximum(0.0, shape * (1 + away))
    return np.asarray(np.where(away > 0, gammaincc(shape, place), gammainc(shape, place)), dtype=np.float64)


def _large_gamma_tail(shape: Floats, away: Floats) -> Floats:
    """Barndorff-Nielsen's approximation: scipy's own series does not converge far out for large shapes."""
    away = np.maximum(away, -1 + 1e-12)
    root = np.sqrt(2 * shape * (away - np.log1p(away)))
    return np.asarray(ndtr(-(root + np.log(np.sqrt(shape) * np.abs(away) / root) / root)))


def _sampling_skewness(rows: float, all_rows: float) -> float:
    """Skewness of a sum over `rows` of `all_rows` dealt at random, for scores of skewness 1."""
    left = all_rows - rows
    if left <= 0 or all_rows < 3:
        return 0.0
    return float((left - rows) * np.sqrt(all_rows - 1) / ((all_rows - 2) * np.sqrt(rows * left)))


def _added_up(counts: Floats, totals: Floats, rows: float, all_rows: float, upper: NDArray[np.bool_]) -> Floats:
    """Exact tails, from the count away from the mean, term by term."""
    others = all_rows - totals
    log_first = _log_choose(totals, counts) + _log_choose(others, rows - counts) - _log_choose(np.array(all_rows), rows)
    # Ratio of each term to the one before, until a count that cannot be: from there on all are 0.
    away = np.arange(_terms(totals, rows, all_rows))
    at = np.clip(counts[:, np.newaxis] + np.where(upper, 1, -1)[:, np.newaxis] * away, 0.0, None)
    totals, others, upper = totals[:, np.newaxis], others[:, np.newaxis], upper[:, np.newaxis]
    at = np.minimum(at, np.minimum(totals, rows))
    with np.errstate(divide="ignore", invalid="ignore"):
        more = (totals - at) * (rows - at) / ((at + 1) * (others - rows + at + 1))
        fewer = at * (others - rows + at) / ((totals - at + 1) * (rows - at + 1))
    ratios = np.nan_to_num(np.where(upper, more, fewer), nan=0.0, posinf=0.0)
    sums = 1 + np.cumprod(ratios, axis=1).sum(axis=1)
    return np.asarray(np.exp(log_first) * sums, dtype=np.float64)


def _terms(totals: Floats, rows: float, all_rows: float) -> int:
    """How many terms have weight: seven standard deviations, and thirty for a rare bin."""
    expected = float(np.max(totals, initial=0.0)) * rows / all_rows
    return 30 + int(7 * min(_ADDED_UP_BELOW, np.sqrt(expected)))


def _log_choose(whole: Floats, part: ArrayLike) -> Floats:
    part = np.asarray(part, dtype=np.float64)
    return np.asarray(gammaln(whole + 1) - gammaln(part + 1) - gammaln(whole - part + 1), dtype=np.float64)
