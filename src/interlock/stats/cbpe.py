"""Quality of a binary classifier without labels: confidence-based performance estimation (CBPE).

Called by `interlock estimate`, chunk by chunk. If calibrated scores are probabilities, they say how many of the rows in
each cell of the confusion matrix are to be expected. That holds while the relation of score and label holds: nothing
here can notice that it does not, so callers show the estimate with what speaks for or against it.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from interlock.stats.calibration import Calibration, area_of_ranks, area_under_curve

Floats = NDArray[np.float64]
Metric = Literal["roc_auc", "accuracy", "f1", "precision", "recall", "specificity"]

METRICS: tuple[Metric, ...] = ("roc_auc", "accuracy", "f1", "precision", "recall", "specificity")

_NAN = float("nan")

_Cells = tuple[float, float, float, float]


@dataclass(frozen=True)
class Interval:
    """Where the metric will lie, once labels come, if the estimate's assumption holds."""

    lower: float
    upper: float


def estimate(metric: Metric, chances: Floats, scores: Floats, predictions: Floats) -> float:
    """Expected quality.

    Args:
        metric: Its name.
        chances: Calibrated probability that each row is positive.
        scores: As the model gave them.
        predictions: The model's decisions, 0 or 1.

    Returns:
        As NannyML's CBPE estimates it; nan where it is not defined.

    Examples:
        >>> chances = np.array([0.9, 0.8, 0.3, 0.1])
        >>> round(estimate("accuracy", chances, chances, (chances > 0.5).astype(float)), 4)
        0.825
        >>> round(estimate("roc_auc", chances, chances, (chances > 0.5).astype(float)), 4)
        0.8634

    References:
        NannyML 0.13.1, performance_estimation/confidence_based/metrics.py.
    """
    if len(chances) == 0:
        return _NAN
    if metric == "roc_auc":
        return float(_expected_area(chances[np.argsort(scores)[::-1]][np.newaxis])[0])
    return _from_cells(metric, _cells(chances, predictions == 1))


def realized(metric: Metric, labels: Floats, scores: Floats, predictions: Floats) -> float:
    """Quality with labels; nan where labels or predictions are of one class only, as NannyML has it."""
    if len(np.unique(labels)) < 2:
        return _NAN
    if metric == "roc_auc":
        return area_under_curve(scores, labels)
    if metric != "accuracy" and len(np.unique(predictions)) < 2:
        return _NAN
    return estimate(metric, labels, scores, predictions)


def interval(
    metric: Metric,
    curves: list[Calibration],
    scores: Floats,
    predictions: Floats,
    *,
    around: float,
    coverage: float,
    rng: np.random.Generator,
) -> Interval:
    """Bounds on the metric that labels will show.

    Two things are uncertain: which labels the chances will give, and the chances themselves, because the calibration
    was learnt from a sample. Both are simulated: each curve draws labels once.

    Args:
        metric: Its name.
        curves: Calibrations learnt from resampled references; a hundred or more.
        scores: Of the chunk.
        predictions: Of the chunk.
        around: The estimate.
        coverage: Share of chunks whose metric should lie inside.
        rng: Draws the labels.

    Returns:
        Within [0, 1], with the estimate inside.
    """
    positive, ranks = predictions == 1, rankdata(scores) if metric == "roc_auc" else scores
    drawn = []
    for curve in curves:
        labels = (rng.random(len(scores)) < curve.apply(scores)).astype(np.float64)
        drawn.append(
            area_of_ranks(ranks, labels) if metric == "roc_auc" else _from_cells(metric, _cells(labels, positive))
        )
    spread = np.array(drawn)
    spread = spread[np.isfinite(spread)]
    if len(spread) == 0 or not np.isfinite(around):
        return Interval(0.0, 1.0)
    low, high = np.quantile(spread, ((1 - coverage) / 2, (1 + coverage) / 2))
    # The mean over curves is not the estimate exactly. Both ends follow it outwards only: a metric of few rows takes
    # few values, and an end that moves inwards loses the one that it stood on.
    away = around - float(spread.mean())
    lower, upper = min(low, low + away, around), max(high, high + away, around)
    return Interval(float(np.clip(lower, 0, 1)), float(np.clip(upper, 0, 1)))


def _expected_area(chances: Floats) -> Floats:
    """Area under the curve that expected counts draw, rows in descending order of score; shape (curves, rows)."""
    true = np.round(np.cumsum(chances, axis=1), 5)
    false = np.round(np.cumsum(1 - chances, axis=1), 5)
    start = np.zeros((len(chances), 1))
    true, false = np.hstack((start, true)), np.hstack((start, false))
    with np.errstate(divide="ignore", invalid="ignore"):
        area = np.trapezoid(true / true[:, -1:], false / false[:, -1:], axis=1)
    return np.asarray(area, dtype=np.float64)


def _from_cells(metric: Metric, cells: _Cells) -> float:
    tp, fp, fn, tn = cells
    parts = {
        "accuracy": (tp + tn, tp + fp + fn + tn),
        "f1": (tp, tp + (fp + fn) / 2),
        "precision": (tp, tp + fp),
        "recall": (tp, tp + fn),
        "specificity": (tn, tn + fp),
    }
    part, whole = parts[metric]
    return float(part / whole) if whole else 0.0


def _cells(labels: Floats, positive: NDArray[np.bool_]) -> _Cells:
    """True and false positives, false and true negatives that are to be expected."""
    hits, misses = float(labels[positive].sum()), float(labels[~positive].sum())
    chosen = float(np.count_nonzero(positive))
    return hits, chosen - hits, misses, len(labels) - chosen - misses
