"""How surely a column changed, from the bins of its profile, for rows that are not independent.

Called by drift checks. As `stats.homogeneity` does for files, a few tests share the level, since one is not enough: all
bins together, each bin by itself (a class that goes from 5 to 8 % is one of ten), a shift, a change of spread. What
differs is that each is widened by how restless its aspect of the column was measured to be.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtr

from interlock.monitoring.deviations import Common, moderate
from interlock.monitoring.dispersion import Dispersion, p_value
from interlock.stats import two_sample
from interlock.stats.level_weights import level_weights
from interlock.stats.permutation import count_tails, score_p_value

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

# Pearson's chi-square is read far out in its tail, where Cochran's five expected rows are not enough.
_MIN_EXPECTED = 20.0

# What each test may spend of the level.
_ORDERED = {"shape": 0.2, "bins": 0.3, "shift": 0.25, "spread": 0.25}
_UNORDERED = {"shape": 0.2, "bins": 0.8}

# What is common to all bins says little of shift and spread, which causes move first.
_MOST_OF_SCORES = 6.0

# A smaller tail has no finite normal quantile.
_SUREST = 1e-300


def change_p_value(reference: Counts, current: Counts, dispersion: Dispersion, *, ordered: bool) -> float:
    """The smallest p-value of the tests, corrected for their number.

    Args:
        reference: Rows per bin, missing ones last, shape (bins,).
        current: The same of a window.
        dispersion: How restless windows, or parts of this one, were.
        ordered: Whether neighbouring bins hold neighbouring values, but for the last.

    Returns:
        1 where a side has no rows.

    Examples:
        >>> before, now = np.array([500, 9000, 500, 0]), np.array([80, 870, 50, 0])
        >>> change_p_value(before, now, Dispersion(), ordered=False) < 0.001
        True
        >>> restless = Dispersion(factor=4.0, pieces=12, basis="windows before")
        >>> change_p_value(before, now, restless, ordered=False) > 0.05
        True
    """
    if not (reference.any() and current.any()):
        return 1.0
    now, total = current.astype(np.float64), (reference + current).astype(np.float64)
    shares = _ORDERED if ordered else _UNORDERED
    test = two_sample.analyze(reference, current, min_expected=_MIN_EXPECTED)
    found = {"shape": p_value(test, dispersion)} if test.dof else {}
    found |= _aspects(now, total, dispersion, ordered=ordered)
    spent = sum(shares[name] for name in found)
    return min(1.0, *(value * spent / shares[name] for name, value in found.items()))


def _aspects(now: Floats, total: Floats, dispersion: Dispersion, *, ordered: bool) -> dict[str, float]:
    """Each bin by itself; of numbers also shift and spread of the known ones."""
    used = np.flatnonzero(total > 0)
    tails = count_tails(now[used], total[used], now.sum(), total.sum())
    contrasts = np.eye(len(total))[:, used]
    scores = _scores(total) if ordered and total[:-1].any() else np.empty((len(total), 0))
    known = [score_p_value(now[:-1], total[:-1], scores[:-1, number]) / 2 for number in range(scores.shape[1])]
    widened = _widen(np.append(tails, known), np.hstack((contrasts, scores)), dispersion, scores=scores.shape[1])
    bins = float((widened[: len(used)] / level_weights(now[used], total[used])).min())
    return {"bins": bins} | dict(zip(("shift", "spread"), (2 * widened[len(used) :]).tolist(), strict=False))


def _scores(total: Floats) -> Floats:
    """Middle ranks of known values, and how far from the middle they are; a missing one is neither."""
    ranks = (np.cumsum(total[:-1]) - total[:-1] / 2) / total[:-1].sum()
    away = np.square(ranks - 0.5)
    mean = float(total[:-1] @ away / total[:-1].sum())
    return np.column_stack((np.append(ranks, 0.5), np.append(away, mean)))


def _widen(tails: Floats, contrasts: Floats, dispersion: Dispersion, *, scores: int) -> Floats:
    """Tails of independent rows as they are for rows that move together: by Student's distribution, moderated."""
    if dispersion.pieces < 2:
        return tails
    factors, dense = np.full(len(tails), np.nan), np.zeros(len(tails), dtype=np.bool_)
    if (deviations := dispersion.deviations) is not None:
        factors, dense = deviations.factors(contrasts), deviations.are_dense(contrasts)
    directions = max(1, int((contrasts.sum(axis=1) != 0).sum()) - 1)
    common_freedom = directions / (1 + min(dispersion.spread, directions - 1.0)) * (dispersion.pieces - 1)
    most = np.append(np.full(len(tails) - scores, np.inf), np.full(scores, _MOST_OF_SCORES))
    common = Common(dispersion.factor, common_freedom, dispersion.pieces)
    told = moderate(factors, common, dense=dense, most=most)
    away = -ndtri(np.clip(tails, _SUREST, 0.5)) / np.sqrt(told.factors)
    return np.asarray(stdtr(told.freedom, -away), dtype=np.float64)
