"""Maximum mean discrepancy: whether two samples of vectors come from one distribution, in any respect.

Called for embeddings. Its null distribution is that of rows dealt to both sides at random, so its level is exact; its
cost grows with the square of the rows, so callers give it a sample.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MmdResult:
    """The squared discrepancy (unbiased, so it may be under 0) and its p-value, at least 1 / (permutations + 1)."""

    squared: float
    p_value: float


def analyze(reference: Floats, current: Floats, *, permutations: int, rng: np.random.Generator) -> MmdResult:
    """Test the homogeneity of two samples of vectors.

    Args:
        reference, current: Shape (rows, columns); at least two rows each.
        permutations: How many random deals are compared with.
        rng: Deals.

    Examples:
        >>> rng = np.random.default_rng(1)
        >>> far = analyze(rng.standard_normal((80, 4)), rng.standard_normal((80, 4)) + 1, permutations=199, rng=rng)
        >>> far.p_value
        0.005

    References:
        Gretton et al. (2012), A Kernel Two-Sample Test, JMLR 13 (Gaussian kernel, width by the median heuristic).
        Phipson & Smyth (2010), Permutation p-values should never be zero, doi:10.2202/1544-6115.1585.
    """
    if min(len(reference), len(current)) < 2:
        raise ValueError(f"rows == {len(reference)}, {len(current)}, must be at least 2 on each side")
    both = np.vstack((reference, current))
    kernel = _kernel(both)
    rows, drawn = len(both), len(current)
    sides = np.zeros((rows, permutations + 1))
    sides[len(reference) :, 0] = 1.0
    for column in range(1, permutations + 1):
        sides[rng.permutation(rows)[:drawn], column] = 1.0
    squared = _discrepancies(kernel, sides, len(reference), drawn)
    as_far = int((squared[1:] >= squared[0] - 1e-12).sum())
    return MmdResult(float(squared[0]), (1 + as_far) / (permutations + 1))


def _kernel(both: Floats) -> Floats:
    distances = cdist(both, both, "sqeuclidean")
    middle = float(np.median(distances[np.triu_indices(len(both), 1)]))
    kernel = np.exp(-distances / middle) if middle > 0 else (distances == 0).astype(np.float64)
    np.fill_diagonal(kernel, 0.0)
    return np.asarray(kernel, dtype=np.float64)


def _discrepancies(kernel: Floats, sides: Floats, before: int, now: int) -> Floats:
    """Of each deal (a column of zeros and ones), mean similarity within both sides less that between them."""
    reached = kernel @ sides
    within_now = np.einsum("ij,ij->j", sides, reached)
    between = np.einsum("ij,ij->j", 1 - sides, reached)
    within_before = kernel.sum() - within_now - 2 * between
    return np.asarray(
        within_now / (now * (now - 1)) + within_before / (before * (before - 1)) - 2 * between / (before * now)
    )
