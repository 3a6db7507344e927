"""How large a drift is, between 0 and 1, on one scale for columns of every kind and samples of every size.

Called by `interlock drift` to rank columns. It refuses to say whether there is a drift at all: `homogeneity` does.
"""

from math import log

import numpy as np
from numpy.typing import ArrayLike

from interlock.stats import two_sample

_MIN_EXPECTED = 5.0


def severity(reference_counts: ArrayLike, current_counts: ArrayLike) -> float:
    """The Jensen-Shannon distance (base 2) beyond the one that samples of this size show without any drift.

    Bins with fewer than five rows expected on the smaller side are pooled first: hundreds of rare levels look unlike in
    any two samples. What is subtracted, under the root, is the mean of the divergence for equal distributions,
    (bins - 1) * (1 / reference rows + 1 / current rows) / (8 ln 2).

    Args:
        reference_counts: Rows per bin, missing values as a bin, shape (bins,).
        current_counts: Rows in the same bins.

    Returns:
        0 for no more than chance, 1 for samples that have nothing in common. A mean that moves by a quarter of a
        standard deviation has 0.1, by one standard deviation 0.39; one row in twenty gone missing 0.16.

    Examples:
        >>> round(severity([1000, 1000, 0], [900, 1000, 100]), 3)
        0.16
        >>> severity([1000, 1000], [99, 101])
        0.0

    References:
        Lin (1991), Divergence measures based on the Shannon entropy, doi:10.1109/18.61115.
        Grosse et al. (2002), Analysis of symbolic sequences using the Jensen-Shannon divergence,
        doi:10.1103/PhysRevE.65.041905 (its mean without a difference).
    """
    reference, current = two_sample.pool(reference_counts, current_counts, min_expected=_MIN_EXPECTED)
    if not (reference.sum() and current.sum()):
        return 0.0
    distance = two_sample.analyze(reference, current).jensen_shannon
    by_chance = (len(reference) - 1) * (1 / reference.sum() + 1 / current.sum()) / (8 * log(2))
    return float(np.sqrt(max(0.0, distance**2 - by_chance * (1 - distance**2))))
