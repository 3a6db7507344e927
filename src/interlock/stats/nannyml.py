"""NannyML's Jensen-Shannon and Hellinger distances, so that figures can be compared with its reports.

Called by drift views that ask for measures named after other tools. Bins are the reference's (Doane's rule), and rows
that lie in none of them are one more bin. It refuses to be a test.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon

from interlock.stats.evidently import equal_edges
from interlock.stats.weighted_values import WeightedValues

Floats = NDArray[np.float64]
Levels = Mapping[str, float]


def jensen_shannon_nannyml(reference: WeightedValues | Levels, current: WeightedValues | Levels) -> float:
    """The Jensen-Shannon distance with base 2, on NannyML's bins: at most 1.

    Args:
        reference: Known values, or rows per level.
        current: The same of the current rows.

    Examples:
        >>> round(jensen_shannon_nannyml({"a": 60, "b": 40}, {"a": 50, "b": 50}), 5)
        0.08544

    References:
        NannyML 0.13.1, drift/univariate/methods.py, JensenShannonDistance.
    """
    return float(jensenshannon(*_shares(reference, current), base=2))


def hellinger_nannyml(reference: WeightedValues | Levels, current: WeightedValues | Levels) -> float:
    """The Hellinger distance, on NannyML's bins: 0 to 1.

    Args:
        reference: Known values, or rows per level.
        current: The same of the current rows.

    Examples:
        >>> round(hellinger_nannyml({"a": 60, "b": 40}, {"a": 50, "b": 50}), 5)
        0.07116

    References:
        NannyML 0.13.1, drift/univariate/methods.py, HellingerDistance.
    """
    before, now = _shares(reference, current)
    return float(np.sqrt(np.square(np.sqrt(before) - np.sqrt(now)).sum() / 2))


def doane_edges(values: WeightedValues) -> Floats:
    """Edges of equal width by Doane's rule, as `numpy.histogram_bin_edges(..., bins="doane")` has them."""
    rows, spread = values.rows, values.population_std
    if rows <= 2 or spread == 0:
        return equal_edges(values, 0.0)
    of_skewness = np.sqrt(6.0 * (rows - 2) / ((rows + 1.0) * (rows + 3)))
    skewness = float((((values.values - values.mean) / spread) ** 3) @ values.counts / rows)
    bins = 1.0 + np.log2(rows) + np.log2(1.0 + abs(skewness) / of_skewness)
    return equal_edges(values, float((values.values[-1] - values.values[0]) / bins))


def _shares(reference: WeightedValues | Levels, current: WeightedValues | Levels) -> tuple[Floats, Floats]:
    """Shares per bin of the reference, and of what lies in none of them."""
    if isinstance(reference, WeightedValues) and isinstance(current, WeightedValues):
        # Whole numbers are floats to NannyML, so that their bins may be narrower than 1.
        edges = doane_edges(replace(reference, is_integer=False))
        before = reference.histogram(edges) / reference.rows
        return _with_leftover(before, current.histogram(edges) / current.rows)
    if isinstance(reference, WeightedValues) or isinstance(current, WeightedValues):
        raise ValueError("reference and current must both be values or both be levels")
    return _levels(reference, current)


def _levels(reference: Mapping[Any, float], current: Mapping[Any, float]) -> tuple[Floats, Floats]:
    before = np.array(list(reference.values()), dtype=np.float64)
    now = np.array([current.get(key, 0.0) for key in reference])
    return _with_leftover(before / before.sum(), now / sum(current.values()))


def _with_leftover(before: Floats, now: Floats) -> tuple[Floats, Floats]:
    left = 1.0 - float(now.sum())
    return (np.append(before, 0.0), np.append(now, left)) if left > 0 else (before, now)
