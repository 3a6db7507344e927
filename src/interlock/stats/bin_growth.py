"""Of each row, how much of its bin is new: the part of its neighbours that the reference does not explain.

Called where drifted regions are looked for. A bin that holds 10 % of the reference and 25 % of the rows now is new to
60 %. Growth that sampling explains counts as none.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interlock.stats.profile_bins import FeatureBins

# Of a hundred bins without growth, any grows by this much in one case of forty.
_STANDARD_ERRORS = 3.5


def bin_numbers(bins: FeatureBins, values: Sequence[Any] | NDArray[Any]) -> NDArray[np.int64]:
    """The bin of each row.

    Args:
        bins: Of the feature.
        values: Numbers with nan as missing, or texts, booleans and None; shape (n,).

    Examples:
        >>> bin_numbers(FeatureBins("plan", "categorical", categories=("free", "pro")), ["pro", "team", None]).tolist()
        [1, 2, 3]
    """
    if bins.kind == "numeric":
        numbers = np.asarray(values, dtype=np.float64)
        return np.where(np.isnan(numbers), bins.size - 1, np.searchsorted(np.asarray(bins.edges), numbers))
    known = {category: number for number, category in enumerate(bins.categories)}
    other, missing = bins.size - 2, bins.size - 1
    found = [missing if _is_missing(each) else known.get(_named(each), other) for each in values]
    return np.array(found, dtype=np.int64)


def excess(reference_counts: ArrayLike, current_counts: ArrayLike) -> NDArray[np.float64]:
    """How much of each bin is new.

    Args:
        reference_counts, current_counts: Rows per bin, shape (bins,).

    Returns:
        Shape (bins,), 0 (nothing, or no more than chance gives) to 1 (the reference has nothing like it).

    Raises:
        ValueError: Shapes differ.

    Examples:
        >>> excess([100, 900], [250, 750]).round(2).tolist()
        [0.6, 0.0]
    """
    reference, current = (np.asarray(each, dtype=np.float64) for each in (reference_counts, current_counts))
    if reference.ndim != 1 or reference.shape != current.shape:
        raise ValueError(f"shapes == {reference.shape}, {current.shape}, must be one count per bin in each")
    before, now = reference.sum(), current.sum()
    if before == 0 or now == 0:
        return np.zeros(len(reference))
    was, is_now, both = reference / before, current / now, (reference + current) / (before + now)
    error = np.sqrt(both * (1 - both) * (1 / before + 1 / now))
    grown = is_now - was > _STANDARD_ERRORS * error
    return np.where(grown, 1 - was / np.where(is_now > 0, is_now, 1.0), 0.0)


def _is_missing(value: Any) -> bool:
    return bool(value is None or value != value)  # noqa: PLR0124 (nan of any type)


def _named(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
