"""Evidently's population stability index and Jensen-Shannon distance, so that figures can be compared with its reports.

Called by drift views that ask for measures named after other tools. Its documentation speaks of 30 bins on reference
quantiles; its code bins both samples together by Sturges' rule, which is what is done here. It refuses to be a test.
"""

from collections.abc import Mapping
from math import log2
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon

from interlock.stats.weighted_values import WeightedValues, merge

Floats = NDArray[np.float64]
Levels = Mapping[str, float]

# Up to as many distinct values in the reference, each is a bin.
_FEW_DISTINCT = 20


def psi_evidently(reference: WeightedValues | Levels, current: WeightedValues | Levels) -> float:
    """The population stability index, on Evidently's bins and with its rule for empty ones.

    Args:
        reference: Known values, or rows per level.
        current: The same of the current rows.

    Examples:
        >>> round(psi_evidently({"a": 60, "b": 40}, {"a": 50, "b": 50}), 5)
        0.04055

    References:
        Evidently 0.7.23, legacy/calculations/stattests/psi.py and utils.py (get_binned_data).
    """
    before, now = (_fill_empty(shares) for shares in _shares(reference, current))
    return float(((before - now) * np.log(before / now)).sum())


def jensen_shannon_evidently(reference: WeightedValues | Levels, current: WeightedValues | Levels) -> float:
    """The Jensen-Shannon distance with natural logarithms, on Evidently's bins: at most 0.8326.

    Args:
        reference: Known values, or rows per level.
        current: The same of the current rows.

    Examples:
        >>> round(jensen_shannon_evidently({"a": 60, "b": 40}, {"a": 50, "b": 50}), 5)
        0.07113

    References:
        Evidently 0.7.23, legacy/calculations/stattests/jensenshannon.py.
    """
    return float(jensenshannon(*_shares(reference, current)))


def _shares(reference: WeightedValues | Levels, current: WeightedValues | Levels) -> tuple[Floats, Floats]:
    if isinstance(reference, WeightedValues) and isinstance(current, WeightedValues):
        if reference.distinct > _FEW_DISTINCT:
            edges = sturges_edges(merge(reference, current))
            return reference.histogram(edges) / reference.rows, current.histogram(edges) / current.rows
        return _level_shares(reference.per_value(), current.per_value())
    if isinstance(reference, WeightedValues) or isinstance(current, WeightedValues):
        raise ValueError("reference and current must both be values or both be levels")
    return _level_shares(reference, current)


def _level_shares(reference: Mapping[Any, float], current: Mapping[Any, float]) -> tuple[Floats, Floats]:
    keys = [*reference, *(key for key in current if key not in reference)]
    before = np.array([reference.get(key, 0.0) for key in keys])
    now = np.array([current.get(key, 0.0) for key in keys])
    return before / before.sum(), now / now.sum()


def _fill_empty(shares: Floats) -> Floats:
    least = float(shares[shares > 0].min())
    return np.where(shares == 0, least / 1e6 if least <= 1e-4 else 1e-4, shares)


def sturges_edges(values: WeightedValues) -> Floats:
    """Edges of equal width by Sturges' rule, as `numpy.histogram_bin_edges(..., bins="sturges")` has them."""
    width = (values.values[-1] - values.values[0]) / (log2(values.rows) + 1)
    return equal_edges(values, float(width))


def equal_edges(values: WeightedValues, width: float) -> Floats:
    """Edges over the range of the values, in the number of bins that NumPy makes of a width.

    Args:
        values: Whole numbers get bins no narrower than 1.
        width: Wished for; 0 for one bin.
    """
    first, last = float(values.values[0]), float(values.values[-1])
    if first == last:
        return np.array([first - 0.5, last + 0.5])
    if values.is_integer and 0 < width < 1:
        width = 1.0
    bins = int(np.ceil((last - first) / width)) if width else 1
    return np.linspace(first, last, bins + 1)
