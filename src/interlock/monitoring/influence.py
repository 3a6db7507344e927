"""What each row adds to the error of a quality measure, so that every measure gets an interval by one rule.

A measure's standard error is the root of the summed squares of its rows' influences. Rows of one hour share causes (a
storm delays all flights), so the influences are summed by hour first. Called by `quality`.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interlock.stats import row_weights

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def standard_error(influences: Floats, clusters: ArrayLike) -> float | None:
    """Standard error of a measure, robust to rows that move together.

    Args:
        influences: Of each row, shape (n,).
        clusters: What the row shares with others, shape (n,): the hour.

    Returns:
        Never less than for independent rows; None for fewer than two rows.

    Examples:
        >>> once, twice = np.array([0.1, -0.1]), np.array([0.1, 0.1, -0.1, -0.1]) / 2
        >>> round(standard_error(once, [0, 1]), 3), round(standard_error(twice, [0, 0, 1, 1]), 3)
        (0.2, 0.2)

    References:
        Liang & Zeger (1986), Longitudinal data analysis using generalized linear models, doi:10.1093/biomet/73.1.13.
    """
    if len(influences) < 2:
        return None
    _, where = np.unique(np.asarray(clusters), return_inverse=True)
    sums = np.bincount(where, weights=influences)
    together = float(np.square(sums).sum()) * len(sums) / (len(sums) - 1) if len(sums) > 1 else 0.0
    return float(np.sqrt(max(together, float(np.square(influences).sum()))))


def of_mean(losses: Floats, weights: ArrayLike | None = None) -> Floats:
    """For the mean of a loss (Brier, log loss, error rate, absolute error).

    Args:
        losses: Of each row, shape (n,).
        weights: How much each row counts, as of `row_weights`; the same in all of these. Default: 1.

    References:
        Särndal, Swensson & Wretman (1992), Model Assisted Survey Sampling, section 5.5, for weighted means.
    """
    weight = row_weights.of(weights, len(losses))
    return np.asarray(weight * (losses - np.average(losses, weights=weight)) / weight.sum(), dtype=np.float64)


def of_root_mean(squares: Floats, weights: ArrayLike | None = None) -> Floats:
    """For the root of the mean of squared errors."""
    root = float(np.sqrt(np.average(squares, weights=row_weights.of(weights, len(squares)))))
    return of_mean(squares, weights) / (2 * root) if root > 0 else np.zeros_like(squares)


def of_f1(happened: Flags, decided: Flags, weights: ArrayLike | None = None) -> Floats:
    """For F1 of one class, a ratio of two sums."""
    weight = row_weights.of(weights, len(happened))
    parts, wholes = 2.0 * weight * (happened & decided), weight * (happened.astype(np.float64) + decided)
    total = wholes.sum()
    return np.asarray((parts - parts.sum() / total * wholes) / total) if total else np.zeros(len(happened))


def of_roc_auc(happened: Flags, scores: Floats, weights: ArrayLike | None = None) -> Floats:
    """For the area under the ROC curve, by placement values. Both classes must be there.

    References:
        DeLong, DeLong & Clarke-Pearson (1988), Comparing the areas under two or more correlated receiver operating
        characteristic curves, doi:10.2307/2531595.
    """
    weight = row_weights.of(weights, len(scores))
    _, where = np.unique(scores, return_inverse=True)
    positives, negatives = np.bincount(where, weight * happened), np.bincount(where, weight * ~happened)
    # Of each distinct score: what of the other class lies on the right side of it, ties counting half.
    below = (negatives.cumsum() - negatives / 2) / negatives.sum()
    above = 1 - (positives.cumsum() - positives / 2) / positives.sum()
    placement = np.where(happened, below[where], above[where])
    area = float(positives @ below / positives.sum())
    return np.asarray(weight * (placement - area) / np.where(happened, positives.sum(), negatives.sum()))
