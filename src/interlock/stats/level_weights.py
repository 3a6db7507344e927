"""How a test of many bins at once shares its level out over them.

Called wherever each bin of a column is tested by itself. A rare level among a thousand then costs the frequent ones
little. Weights rest on what both samples hold together, so they do not bias.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# A level that appears or grows is what breaks models, and one that vanishes is hard to miss.
_GROWING = 0.84

# From so many rows expected on the smaller side on, all levels weigh the same. Rarer ones weigh less, by the third
# power: a thousand of them then cost a frequent level no more than a few frequent ones would.
_FREQUENT = 20.0


def level_weights(current: Floats, total: Floats) -> Floats:
    """Share of the level for each bin, for the side on which it lies.

    Args:
        current: Rows of one sample in each bin, shape (bins,).
        total: Rows of both in each bin, all over 0.

    Returns:
        One-sided p-values divided by these are corrected for the number of bins and for both sides.

    Examples:
        >>> level_weights(np.array([30.0, 50.0]), np.array([100.0, 100.0])).round(2).tolist()
        [0.08, 0.42]

    References:
        Genovese, Roeder & Wasserman (2006), False discovery control with p-value weighting,
        doi:10.1093/biomet/93.3.509.
    """
    expected = total * current.sum() / total.sum()
    smaller = min(1.0, (total.sum() - current.sum()) / current.sum()) * expected
    weights = np.minimum(1.0, smaller / _FREQUENT) ** 3
    return np.asarray(weights / weights.sum() * np.where(current >= expected, _GROWING, 1 - _GROWING))
