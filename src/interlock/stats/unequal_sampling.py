"""A sample of fixed size in which rows have unequal, known chances: what makes an average over it unbiased.

Called where people are asked to label a few of many rows. Rows that promise to teach more get larger chances, none gets
none, and each that was drawn is weighted by 1 / its chance. It refuses to choose the best rows and nothing else: no
weight makes such a sample stand for the rest.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def probabilities(sizes: ArrayLike, sample: int) -> Floats:
    """Chances proportional to size, adding up to the sample's number of rows.

    Args:
        sizes: How much each row is wanted, shape (n,), over 0 and finite.
        sample: How many rows are to be drawn, 0 to n.

    Returns:
        Shape (n,), over 0 unless `sample` is 0, at most 1. What would be over 1 is 1, and the others share the rest.

    Raises:
        ValueError: A size is not over 0, or the sample is larger than there are rows.

    Examples:
        >>> probabilities([1, 1, 2, 16], 2).round(3).tolist()
        [0.25, 0.25, 0.5, 1.0]
    """
    wanted = np.asarray(sizes, dtype=np.float64)
    if wanted.ndim != 1 or not (np.isfinite(wanted) & (wanted > 0)).all():
        raise ValueError("sizes must be finite and over 0, one for each row")
    if not 0 <= sample <= len(wanted):
        raise ValueError(f"sample == {sample}, must be between 0 and the {len(wanted)} rows there are")
    certain = np.zeros(len(wanted), dtype=np.bool_)
    while True:
        left = sample - int(certain.sum())
        rest = float(wanted[~certain].sum())
        found = np.where(certain, 1.0, wanted * (left / rest if rest else 0.0))
        over = ~certain & (found >= 1)
        if not over.any():
            return np.asarray(found, dtype=np.float64)
        certain |= over


def draw(chances: ArrayLike, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw rows so that each comes with exactly its chance, and their number is fixed.

    Systematic sampling in random order: chances are laid end to end, and every whole number after a random start hits
    one row.

    Args:
        chances: Shape (n,), 0 to 1, adding up to a whole number.
        rng: Where the chance comes from.

    Returns:
        Numbers of the rows drawn, ascending, each at most once.

    Raises:
        ValueError: A chance is not between 0 and 1, or they do not add up to a whole number.

    Examples:
        >>> draw([0.5, 0.5, 1.0], np.random.default_rng(1)).tolist()
        [0, 2]

    References:
        Madow (1949), On the theory of systematic sampling, II, doi:10.1214/aoms/1177729988.
        Tillé (2006), Sampling Algorithms, section 7.2.
    """
    chance = np.asarray(chances, dtype=np.float64)
    if chance.ndim != 1 or not ((chance >= 0) & (chance <= 1)).all():
        raise ValueError("chances must be between 0 and 1, one for each row")
    sample = round(float(chance.sum()))
    if abs(float(chance.sum()) - sample) > 1e-6 * max(1, len(chance)):
        raise ValueError(f"chances add up to {chance.sum()}, must be a whole number")
    if sample == 0:
        return np.zeros(0, dtype=np.int64)
    order = rng.permutation(len(chance))
    reached = np.cumsum(chance[order])
    # Rounding must not lose the last row.
    reached *= sample / reached[-1]
    hits = np.arange(sample) + rng.random()
    return np.unique(order[np.minimum(np.searchsorted(reached, hits, side="right"), len(order) - 1)])
