"""How far the meaning of scores could be from what was learnt, because it was learnt from a sample.

Called once per estimate of quality without labels. It resamples counts per narrow bin of scores instead of rows, so
that its cost does not grow with the reference.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from interlock.stats.calibration import UNCHANGED, Calibration

Floats = NDArray[np.float64]

_MOST_BINS = 1_000


def resampled_curves(
    calibration: Calibration, scores: Floats, labels: Floats, *, curves: int, rng: np.random.Generator
) -> list[Calibration]:
    """Curves that other references of this size would have given.

    Args:
        calibration: What was learnt. Where scores were left alone, curves spread around them.
        scores: Of the reference.
        labels: Of the reference, 0 or 1.
        curves: How many.
        rng: Resamples.

    References:
        Efron (1979), Bootstrap methods, doi:10.1214/aos/1176344552.
    """
    points, counts, shares = _binned(scores, labels)
    learnt = _curve(points, counts, shares * counts)
    # Curves differ from the one learnt from the same bins, so that binning itself moves nothing.
    centre = points if calibration is UNCHANGED else calibration.apply(points)
    found = []
    for _ in range(curves):
        rows = rng.poisson(counts)
        hits = rng.binomial(rows, shares)
        used = rows > 0
        drawn = _curve(points[used], rows[used].astype(np.float64), hits[used].astype(np.float64))
        moved = centre + drawn.apply(points) - learnt.apply(points)
        found.append(Calibration(points, np.clip(moved, 0.0, 1.0)))
    return found


def _binned(scores: Floats, labels: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean score, rows and share of positives per bin."""
    order = np.argsort(scores, kind="stable")
    starts = np.unique(np.linspace(0, len(scores), min(_MOST_BINS, len(scores)) + 1).astype(np.int64))[:-1]
    counts = np.diff(np.append(starts, len(scores))).astype(np.float64)
    points = np.add.reduceat(scores[order], starts) / counts
    shares = np.add.reduceat(labels[order], starts) / counts
    places, which = np.unique(points, return_inverse=True)
    rows = np.bincount(which, weights=counts).astype(np.float64)
    return places, rows, np.clip(np.bincount(which, weights=shares * counts) / rows, 0.0, 1.0)


def _curve(points: Floats, rows: Floats, hits: Floats) -> Calibration:
    return Calibration(points, np.asarray(isotonic_regression(hits / rows, weights=rows).x, dtype=np.float64))
