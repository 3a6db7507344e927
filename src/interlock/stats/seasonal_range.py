"""What a value is usually between, at this time of the week, learnt from weeks before.

Called by alert rules on volume and on any value that is measured every day. It refuses to say anything from fewer than
three weeks, and lets one bad week among them pass.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]

FEWEST_WEEKS = 3
"""Weeks with a value at the same time of the week that are needed."""

# Variance of a median of normal values, relative to that of their mean.
_OF_MEDIAN = np.pi / 2


@dataclass(frozen=True, slots=True)
class SeasonalRange:
    """Bounds for each slot that is judged, shape (judged,); nan where too few weeks are known."""

    lower: Floats
    expected: Floats
    upper: Floats


def seasonal_range(
    history: ArrayLike, judged: ArrayLike, *, chance: float, least_deviation: float = 0.0
) -> SeasonalRange:
    """Learn the ranges.

    Args:
        history: Values of weeks before, shape (weeks, slots of a week); nan where none is known.
        judged: Numbers of the slots that are judged, shape (judged,).
        chance: Probability that any of them lies outside although nothing has changed.
        least_deviation: Standard deviation that values have at least: that of counting.

    Examples:
        >>> weeks = np.array([[10.0, 50.0], [12.0, 48.0], [11.0, 51.0], [10.5, 49.0], [300.0, 300.0]])
        >>> found = seasonal_range(weeks, [0], chance=0.01)
        >>> found.expected.tolist(), bool(found.lower[0] > 0), bool(found.upper[0] < 30)
        ([11.0], True, True)

    References:
        Hahn & Meeker (1991), Statistical Intervals, chapter 4 (prediction intervals), with the scale from the median
        week.
    """
    values, at = np.asarray(history, dtype=np.float64), np.asarray(judged, dtype=np.int64)
    known = np.isfinite(values).sum(axis=0)
    middle = np.full(values.shape[1], np.nan)
    middle[known > 0] = np.nanmedian(values[:, known > 0], axis=0)
    deviation, freedom = _scale(values - middle, known)
    deviation = max(deviation, least_deviation)
    enough = known[at] >= FEWEST_WEEKS
    expected = np.where(enough, middle[at], np.nan)
    quantile = float(stdtrit(freedom, 1 - chance / 2 / max(1, len(at))))
    away = quantile * deviation * np.sqrt(1 + _OF_MEDIAN / np.maximum(1, known[at]))
    return SeasonalRange(expected - away, expected, expected + away)


def _scale(away: Floats, known: NDArray[np.int64]) -> tuple[float, float]:
    """Standard deviation of a value from what is usual of its slot, and its degrees of freedom."""
    told = known >= 2
    if not told.any():
        return 0.0, 1.0
    by_week = [float(np.square(week[np.isfinite(week)]).mean()) for week in away[:, told] if np.isfinite(week).any()]
    weeks = float(np.median(known[told]))
    # A median sits nearer to its values than the truth does. Of the weeks the middle one, so that a bad one is no norm.
    variance = float(np.median(by_week)) * weeks / (weeks - 1)
    return float(np.sqrt(variance)), max(2.0, (weeks - 1) * int(told.sum()) / 2)
