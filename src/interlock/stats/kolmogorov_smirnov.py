"""The Kolmogorov-Smirnov test, because the field reads it.

Called by drift views. No decision rests on it: it sees a shift, but a variance half as large again in one of three
windows of a thousand rows only.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import kstwo

from interlock.stats.weighted_values import WeightedValues

# Up to as many rows on the larger side the p-value is exact, as scipy's is.
_EXACT_UP_TO = 10_000


@dataclass(frozen=True, slots=True)
class KsResult:
    """The largest difference of two distribution functions, 0 to 1, and its p-value, two-sided."""

    statistic: float
    p_value: float


def analyze(reference: WeightedValues, current: WeightedValues) -> KsResult:
    """Compare two distribution functions.

    Returns:
        What `scipy.stats.ks_2samp` returns for the same rows.

    Examples:
        >>> result = analyze(WeightedValues.of_rows([1, 2, 3, 4]), WeightedValues.of_rows([3, 4, 5, 6]))
        >>> result.statistic, round(result.p_value, 3)
        (0.5, 0.771)

    References:
        Hodges (1958), The significance probability of the Smirnov two-sample test, doi:10.1007/BF02589501.
    """
    points = np.concatenate((reference.values, current.values))
    statistic = float(np.abs(reference.cdf(points) - current.cdf(points)).max())
    before, now = reference.rows, current.rows
    if max(before, now) <= _EXACT_UP_TO:
        return KsResult(statistic, _exact(reference, current))
    return KsResult(statistic, float(np.clip(kstwo.sf(statistic, np.round(before * now / (before + now))), 0, 1)))


def _exact(reference: WeightedValues, current: WeightedValues) -> float:
    from scipy.stats import ks_2samp

    sides = (np.repeat(side.values, side.counts.astype(np.int64)) for side in (reference, current))
    return float(ks_2samp(*sides).pvalue)
