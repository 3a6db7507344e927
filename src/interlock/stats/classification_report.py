"""Quality class by class: precision, recall, F1 and support, and which class was taken for which.

Called by the daily report. It refuses nan: a measure that is undefined, such as the precision of a class that was never
predicted, is None.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interlock.stats import row_weights


@dataclass(frozen=True, slots=True)
class ClassQuality:
    """One class. `support`: rows in which it happened, each counting once whatever its weight."""

    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True, slots=True)
class ClassificationReport:
    """All classes, by their index.

    Args:
        classes: One each.
        confusion: Weight of rows in which class i happened and class j was predicted, shape (k, k).
    """

    classes: tuple[ClassQuality, ...]
    confusion: NDArray[np.float64]


def analyze(
    labels: ArrayLike, predictions: ArrayLike, classes: int, *, weights: ArrayLike | None = None
) -> ClassificationReport:
    """Measure predicted classes, each by itself.

    Args:
        labels: Index of the class that happened, shape (n,), 0 to classes - 1.
        predictions: Index of the predicted class, shape (n,), alike.
        classes: How many there are.
        weights: How much each row counts, as of `row_weights`. Default: 1.

    Raises:
        ValueError: Shapes differ, an index names no class, or weights are none.

    Examples:
        >>> found = analyze([0, 0, 1, 1], [0, 1, 1, 1], 2)
        >>> [(each.precision, each.recall, each.support) for each in found.classes]
        [(1.0, 0.5, 2), (0.6666666666666666, 1.0, 2)]
        >>> found.confusion.tolist()
        [[1.0, 1.0], [0.0, 2.0]]
    """
    actual, predicted = np.asarray(labels, dtype=np.int64), np.asarray(predictions, dtype=np.int64)
    if actual.ndim != 1 or actual.shape != predicted.shape:
        raise ValueError(f"shapes == {actual.shape}, {predicted.shape}, must be one value per row in each")
    both = np.concatenate((actual, predicted))
    if len(both) and not 0 <= both.min() <= both.max() < classes:
        raise ValueError(f"indices go from {both.min()} to {both.max()}, must be 0 to {classes - 1}")
    weight = row_weights.of(weights, len(actual))
    flat = np.bincount(actual * classes + predicted, weights=weight, minlength=classes * classes)
    confusion = flat.astype(np.float64).reshape(classes, classes)
    support = np.bincount(actual, minlength=classes)
    hits, happened, named = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    found = [
        ClassQuality(
            precision=_ratio(hits[each], named[each]),
            recall=_ratio(hits[each], happened[each]),
            f1=_ratio(2 * hits[each], happened[each] + named[each]),
            support=int(support[each]),
        )
        for each in range(classes)
    ]
    return ClassificationReport(tuple(found), confusion)


def _ratio(part: float, whole: float) -> float | None:
    return float(part / whole) if whole > 0 else None
