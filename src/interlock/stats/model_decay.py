"""How much a model's loss grows a day, from models of different age on the same rows.

Called when somebody asks how often to retrain. Stretches of time differ in how hard they are, so only models beside
each other on one stretch are compared. A handful of models says little: bounds take whole models, and whole stretches,
as what was sampled, never rows.
"""

from dataclasses import dataclass
from math import inf, nan, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

_FEWEST = 3
"""Models, and stretches on which at least two of them meet; with fewer nothing is bounded."""


@dataclass(frozen=True, slots=True)
class DecayResult:
    """Growth of the mean loss a day of age; `lower` and `upper` bound it one-sidedly, each at level `alpha`."""

    per_day: float
    lower: float
    upper: float
    models: int
    stretches: int


def analyze(model: ArrayLike, stretch: ArrayLike, age_days: ArrayLike, loss: ArrayLike, *, alpha: float) -> DecayResult:
    """Fit loss = difficulty of the stretch + growth * age.

    Args:
        model: Which model answered, any integers, shape (n,): one entry for each model and stretch.
        stretch: Which stretch of time it answered.
        age_days: Days from the end of what it was taught to the middle of the stretch.
        loss: Its mean loss there.
        alpha: Probability of a wrong bound, on each side. Between 0 and 1.

    Returns:
        With bounds from leaving out one model, or one stretch, at a time (the wider of both, Student's t); infinite
        ones with fewer than three of either.

    Raises:
        ValueError: Shapes differ, a value is not finite, or `alpha` is not between 0 and 1.

    Examples:
        >>> model, stretch = np.array([(k, b) for b in range(6) for k in range(4) if k <= b]).T
        >>> result = analyze(model, stretch, 7.0 * (stretch - model) + 3.5, 0.2 + 0.001 * (stretch - model), alpha=0.05)
        >>> round(result.per_day, 6), result.models, result.stretches
        (0.000143, 4, 5)

    References:
        Efron & Stein (1981), The jackknife estimate of variance, doi:10.1214/aos/1176345462.
    """
    models, stretches = np.asarray(model, dtype=np.int64), np.asarray(stretch, dtype=np.int64)
    ages, losses = np.asarray(age_days, dtype=np.float64), np.asarray(loss, dtype=np.float64)
    if not models.shape == stretches.shape == ages.shape == losses.shape or models.ndim != 1:
        raise ValueError("model, stretch, age_days and loss must be one value for each model and stretch")
    if not (np.isfinite(ages).all() and np.isfinite(losses).all()):
        raise ValueError("age_days and loss must be finite")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha == {alpha}, must be between 0 and 1, both excluded")
    met = np.isin(stretches, [each for each in np.unique(stretches) if (stretches == each).sum() > 1])
    models, stretches, ages, losses = models[met], stretches[met], ages[met], losses[met]
    slope = _slope(stretches, ages, losses)
    counts = (len(np.unique(models)), len(np.unique(stretches)))
    half = max(_half_width(groups, (stretches, ages, losses), alpha) for groups in (models, stretches))
    return DecayResult(slope, slope - half, slope + half, *counts)


def _slope(stretches: NDArray[np.int64], ages: NDArray[np.float64], losses: NDArray[np.float64]) -> float:
    """Least squares within stretches; nan where no two ages meet."""
    if not len(ages):
        return nan
    ages, losses = _centred(stretches, ages), _centred(stretches, losses)
    squares = float(ages @ ages)
    return float(ages @ losses) / squares if squares > 0 else nan


def _centred(groups: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    which = np.unique(groups, return_inverse=True)[1]
    return np.asarray(values - (np.bincount(which, weights=values) / np.bincount(which))[which], dtype=np.float64)


def _half_width(
    groups: NDArray[np.int64],
    rows: tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]],
    alpha: float,
) -> float:
    """Of the bounds, from leaving out a group at a time."""
    names = np.unique(groups)
    if len(names) < _FEWEST:
        return inf
    without = np.array([_slope(*(values[groups != name] for values in rows)) for name in names])
    if not np.isfinite(without).all():
        return inf
    spread = float(((without - without.mean()) ** 2).sum())
    return float(student.ppf(1 - alpha, len(names) - 1)) * sqrt(spread * (len(names) - 1) / len(names))
