"""The first Wasserstein distance: how far rows would have to move, on average, for both samples to be alike.

Called by drift views. In the column's own unit, so columns compare only after dividing by the reference's spread. It
refuses to be a test.
"""

import numpy as np

from interlock.stats.weighted_values import WeightedValues

# Evidently's floor: a constant reference would divide by nothing.
_LEAST_SPREAD = 0.001


def wasserstein_distance(reference: WeightedValues, current: WeightedValues) -> float:
    """The area between two distribution functions, in the column's unit.

    Examples:
        >>> wasserstein_distance(WeightedValues.of_rows([0, 1, 3]), WeightedValues.of_rows([5, 6, 8]))
        5.0

    References:
        Vallender (1974), Calculation of the Wasserstein distance between probability distributions on the line,
        doi:10.1137/1118101.
    """
    points = np.sort(np.concatenate((reference.values, current.values)))
    apart = np.abs(reference.cdf(points[:-1]) - current.cdf(points[:-1]))
    return float(apart @ np.diff(points))


def wasserstein_sigma(reference: WeightedValues, current: WeightedValues) -> float:
    """The distance in standard deviations (with n) of the reference: Evidently's `wasserstein`.

    Examples:
        >>> wasserstein_sigma(WeightedValues.of_rows([0, 2]), WeightedValues.of_rows([1, 3]))
        1.0

    References:
        Evidently 0.7.23, legacy/calculations/stattests/wasserstein_distance_norm.py.
    """
    return wasserstein_distance(reference, current) / max(reference.population_std, _LEAST_SPREAD)
