"""Distances of shares that a person can read: in rows out of a hundred.

Called by drift views, and by the decision of `interlock drift` as the size of a change. They refuse to be tests: small
samples differ much by chance.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def total_variation(reference_counts: ArrayLike, current_counts: ArrayLike) -> float:
    """Half the sum of absolute differences of shares: the least share of rows that would have to be others.

    Args:
        reference_counts: Rows per bin, shape (bins,). At least one row.
        current_counts: Rows in the same bins. At least one row.

    Returns:
        0 to 1.

    Raises:
        ValueError: Shapes differ, a count is negative or not finite, or a side has no rows.

    Examples:
        >>> round(total_variation([50, 30, 20], [5, 2, 3]), 4)
        0.1

    References:
        Levin, Peres & Wilmer (2009), Markov Chains and Mixing Times, proposition 4.2.
    """
    return float(np.abs(_difference(reference_counts, current_counts)).sum() / 2)


def l_infinity(reference_counts: ArrayLike, current_counts: ArrayLike) -> float:
    """The largest absolute difference of shares.

    Args:
        reference_counts: As for `total_variation`.
        current_counts: As for `total_variation`.

    Examples:
        >>> round(l_infinity([50, 30, 20], [4, 3, 3]), 4)
        0.1

    References:
        NannyML 0.13.1, drift/univariate/methods.py, LInfinityDistance.
    """
    return float(np.abs(_difference(reference_counts, current_counts)).max())


def _difference(reference_counts: ArrayLike, current_counts: ArrayLike) -> NDArray[np.float64]:
    reference = np.asarray(reference_counts, dtype=np.float64)
    current = np.asarray(current_counts, dtype=np.float64)
    if reference.ndim != 1 or reference.shape != current.shape:
        raise ValueError(f"shapes == {reference.shape}, {current.shape}, must be the same number of bins")
    for name, counts in (("reference_counts", reference), ("current_counts", current)):
        if not (np.isfinite(counts).all() and (counts >= 0).all() and counts.sum() > 0):
            raise ValueError(f"{name} must be finite, not negative, and hold a row")
    return np.asarray(current / current.sum() - reference / reference.sum(), dtype=np.float64)
