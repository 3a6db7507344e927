"""How much each row counts in an average: 1, or more where a sample was drawn with unequal chances.

Called by the measures of quality. A row that was drawn with probability p stands for 1 / p rows; weighted so, averages
over a sample are averages over what it was drawn from, whatever the chances were.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def of(weights: ArrayLike | None, rows: int) -> Floats:
    """Weights of rows, 1 each by default.

    Args:
        weights: Shape (rows,), at least 0, finite.
        rows: How many rows there are.

    Raises:
        ValueError: The shape is another, one is negative or not finite, or rows there are and all weights are 0.

    Examples:
        >>> of(None, 2).tolist()
        [1.0, 1.0]
    """
    if weights is None:
        return np.ones(rows)
    found = np.asarray(weights, dtype=np.float64)
    if found.shape != (rows,):
        raise ValueError(f"shape of weights == {found.shape}, must be ({rows},)")
    if not (np.isfinite(found) & (found >= 0)).all():
        raise ValueError("weights must be finite and not negative")
    if rows and not found.any():
        raise ValueError("weights are all 0, must count at least one row")
    return found


def effective_rows(weights: Floats) -> float:
    """How many rows of equal weight tell as much about a mean; the number of rows where all weights are equal.

    Examples:
        >>> effective_rows(np.array([2.0, 2.0])), round(effective_rows(np.array([1.0, 3.0])), 2)
        (2.0, 1.6)

    References:
        Kish (1965), Survey Sampling, section 8.2.
    """
    return float(weights.sum() ** 2 / np.square(weights).sum()) if weights.any() else 0.0
