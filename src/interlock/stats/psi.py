"""The population stability index, because the field reads it.

Called by drift views beside `two_sample`. It refuses to be a test: it has no error rate, and with 50 rows in ten bins
it passes 0.1 in most windows without any drift.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

# A bin that is empty in n rows is taken to hold half a row, so the index of an empty bin shrinks as evidence of its
# emptiness grows. A fixed share such as 0.0001 makes it depend on nothing but that number.
_EMPTY = 0.5


def population_stability_index(reference_counts: ArrayLike, current_counts: ArrayLike) -> float:
    """Sum (current share - reference share) * log(current share / reference share) over bins.

    Zero rule: where only one side of a bin is empty, half a row stands in for it; no other share changes. A bin that is
    empty on both sides adds nothing.

    Args:
        reference_counts: Rows per bin, shape (bins,). At least one row.
        current_counts: Rows in the same bins. At least one row.

    Returns:
        At least 0. By habit under 0.1 is stable and over 0.25 a major shift, for ten bins and thousands of rows.

    Raises:
        ValueError: Shapes differ, a count is negative or not finite, or a side has no rows.

    Examples:
        >>> round(population_stability_index([100, 100, 100], [80, 100, 120]), 4)
        0.027

    References:
        Siddiqi (2006), Credit Risk Scorecards, chapter 7.
        Yurdakul & Naranjo (2020), Statistical properties of the population stability index, doi:10.21314/JRMV.2020.227.
    """
    reference = np.asarray(reference_counts, dtype=np.float64)
    current = np.asarray(current_counts, dtype=np.float64)
    if reference.ndim != 1 or reference.shape != current.shape:
        raise ValueError(f"shapes == {reference.shape}, {current.shape}, must be the same number of bins")
    used = (reference > 0) | (current > 0)
    before = _shares("reference_counts", reference)[used]
    after = _shares("current_counts", current)[used]
    return float(((after - before) * np.log(after / before)).sum())


def _shares(name: str, counts: NDArray[np.float64]) -> NDArray[np.float64]:
    rows = counts.sum()
    if not (np.isfinite(rows) and rows > 0 and (counts >= 0).all()):
        raise ValueError(f"{name} sum to {rows}, must be finite, not negative, and hold a row")
    return np.asarray(np.where(counts > 0, counts, _EMPTY) / rows, dtype=np.float64)
