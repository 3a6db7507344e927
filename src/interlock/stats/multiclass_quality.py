"""Quality of predicted classes, two or more, with known labels.

Called by quality views for one version and window. It refuses nan: a measure that is undefined is None.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interlock.stats import row_weights
from interlock.stats.losses import brier

# A probability of 0 for what happened would make the mean infinite; scikit-learn clips at the same number.
_LEAST_PROBABILITY = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class MulticlassQuality:
    """Measures of quality; None without rows, and `log_loss` and `brier` also without probabilities.

    `balanced_accuracy` averages recall over the classes that happened, `macro_f1` over those that happened or were
    predicted. `brier` is as in `losses`: halved for two classes.
    """

    rows: int
    accuracy: float | None
    balanced_accuracy: float | None
    macro_f1: float | None
    log_loss: float | None
    brier: float | None


def analyze(
    labels: ArrayLike,
    predictions: ArrayLike,
    probabilities: ArrayLike | None = None,
    *,
    weights: ArrayLike | None = None,
) -> MulticlassQuality:
    """Measure predicted classes.

    Args:
        labels: Index of the class that happened, shape (n,), from 0.
        predictions: Index of the predicted class, shape (n,), from 0.
        probabilities: Probability per class, shape (n, k), rows adding up to 1.
        weights: How much each row counts, as of `row_weights`. Default: 1.

    Raises:
        ValueError: Shapes do not fit, an index is negative or no whole number, a label names no column of
            probabilities, or weights are none.

    Examples:
        >>> quality = analyze([0, 1, 2, 2], [0, 1, 1, 2])
        >>> quality.accuracy, round(quality.balanced_accuracy, 3), round(quality.macro_f1, 3), quality.brier
        (0.75, 0.833, 0.778, None)
    """
    actual, predicted = _as_indices("labels", labels), _as_indices("predictions", predictions)
    if actual.shape != predicted.shape:
        raise ValueError(f"shapes == {actual.shape}, {predicted.shape}, must be one value per row in each")
    if len(actual) == 0:
        return MulticlassQuality(0, None, None, None, None, None)
    weight = row_weights.of(weights, len(actual))
    hits, happened, named = _count(actual, predicted, weight)
    occurs, either = happened > 0, happened + named > 0
    return MulticlassQuality(
        rows=len(actual),
        accuracy=float(hits.sum() / weight.sum()),
        balanced_accuracy=float((hits[occurs] / happened[occurs]).mean()),
        macro_f1=float((2 * hits[either] / (happened + named)[either]).mean()),
        brier=float(np.average(brier(actual, probabilities), weights=weight)) if probabilities is not None else None,
        log_loss=_log_loss(actual, np.asarray(probabilities), weight) if probabilities is not None else None,
    )


def _as_indices(name: str, values: ArrayLike) -> NDArray[np.int64]:
    indices = np.asarray(values)
    if indices.ndim != 1 or (len(indices) and (indices.dtype.kind not in "iu" or indices.min() < 0)):
        raise ValueError(f"{name} must be one whole number of at least 0 per row")
    return indices.astype(np.int64)


def _count(
    actual: NDArray[np.int64], predicted: NDArray[np.int64], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Weight per class that were hit, that happened and that were predicted."""
    classes = int(max(actual.max(), predicted.max())) + 1
    pairs = ((actual, weight * (actual == predicted)), (actual, weight), (predicted, weight))
    hits, happened, named = (
        np.bincount(each, weights=some, minlength=classes).astype(np.float64) for each, some in pairs
    )
    return hits, happened, named


def _log_loss(actual: NDArray[np.int64], probabilities: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    happened = probabilities[np.arange(len(actual)), actual]
    return float(np.average(-np.log(np.clip(happened, _LEAST_PROBABILITY, 1.0)), weights=weight))
