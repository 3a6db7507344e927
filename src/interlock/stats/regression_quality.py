"""Quality of numeric predictions with known targets.

Called by quality views for one version and window. It refuses nan: a measure that is undefined is None.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from interlock.stats import row_weights
from interlock.stats.losses import absolute_error, squared_error


@dataclass(frozen=True, slots=True)
class RegressionQuality:
    """Measures of error, in the target's unit but for `r2` and `mape`, which have none; None where undefined.

    `bias` is the mean of prediction - target: over 0 the model predicts too much. `r2` needs targets that differ,
    `mape` (a share, 0.1 is 10 %) targets that are never 0.
    """

    rows: int
    mae: float | None
    rmse: float | None
    r2: float | None
    bias: float | None
    mape: float | None


def analyze(targets: ArrayLike, predictions: ArrayLike, *, weights: ArrayLike | None = None) -> RegressionQuality:
    """Measure numeric predictions.

    Args:
        targets: What happened, shape (n,), finite.
        predictions: What was predicted, shape (n,), finite.
        weights: How much each row counts, as of `row_weights`. Default: 1.

    Raises:
        ValueError: Shapes differ, a value is not finite, or weights are none.

    Examples:
        >>> quality = analyze([1.0, 2.0, 4.0], [1.5, 2.0, 3.0])
        >>> quality.mae, quality.mape, round(quality.r2, 3)
        (0.5, 0.25, 0.732)
    """
    actual, predicted = np.asarray(targets, dtype=np.float64), np.asarray(predictions, dtype=np.float64)
    absolute, squared = absolute_error(actual, predicted), squared_error(actual, predicted)
    if not np.isfinite(absolute).all():
        raise ValueError("targets and predictions must be finite; leave rows without either out")
    if len(actual) == 0:
        return RegressionQuality(0, None, None, None, None, None)
    weight = row_weights.of(weights, len(actual))
    spread = float(weight @ np.square(actual - np.average(actual, weights=weight)))
    return RegressionQuality(
        rows=len(actual),
        mae=float(np.average(absolute, weights=weight)),
        rmse=float(np.sqrt(np.average(squared, weights=weight))),
        r2=1 - float(weight @ squared) / spread if spread > 0 and actual.min() < actual.max() else None,
        bias=float(np.average(predicted - actual, weights=weight)),
        mape=float(np.average(absolute / np.abs(actual), weights=weight)) if actual.all() else None,
    )
