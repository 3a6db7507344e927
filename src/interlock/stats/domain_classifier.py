"""Whether a linear classifier can tell current rows from the reference's, for rows of many numbers.

Called for texts (weights of words) and embeddings. It learns from one half of both samples and scores the other, so
that its scores are one more column to compare, whose tests keep their level however many numbers a row has.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags_array, issparse, vstack
from scipy.sparse.linalg import lsqr, norm
from scipy.stats import rankdata

Floats = NDArray[np.float64]

# Strength of the ridge, relative to the mean square of a column.
_RIDGE = 0.1
_ROUNDS = 50


@dataclass(frozen=True, slots=True)
class DomainScores:
    """How much each row that was not learnt from looks like a current one.

    `auc` is the probability that a current row has the higher score: 0.5 for samples that cannot be told apart.
    """

    reference: Floats
    current: Floats
    auc: float


def domain_scores(reference: Any, current: Any) -> DomainScores:
    """Learn from every other row, score the others.

    Args:
        reference: Shape (rows, columns), a NumPy array or a SciPy sparse matrix, centred near 0.
        current: The same columns.

    Raises:
        ValueError: A side has fewer than four rows.

    Examples:
        >>> rng = np.random.default_rng(1)
        >>> found = domain_scores(rng.standard_normal((400, 5)), rng.standard_normal((400, 5)) + 0.5)
        >>> found.auc > 0.7, len(found.reference)
        (True, 200)

    References:
        Rabanser, Günnemann & Lipton (2019), Failing Loudly: An Empirical Study of Methods for Detecting Dataset Shift,
        arXiv:1810.11953.
        Lopez-Paz & Oquab (2017), Revisiting classifier two-sample tests, arXiv:1610.06545.
    """
    sizes = reference.shape[0], current.shape[0]
    if min(sizes) < 4:
        raise ValueError(f"rows == {sizes}, must be at least 4 on each side")
    weights = _ridge(reference[::2], current[::2])
    scores = [np.asarray(side[1::2] @ weights, dtype=np.float64).ravel() for side in (reference, current)]
    return DomainScores(scores[0], scores[1], _area(scores[0], scores[1]))


def _ridge(reference: Any, current: Any) -> Floats:
    """Weights of least squares on which side a row is from, both sides counting alike."""
    rows = csr_matrix(vstack((csr_matrix(reference), csr_matrix(current)))) if issparse(reference) else None
    stacked = np.vstack((reference, current)) if rows is None else rows
    sizes = reference.shape[0], current.shape[0]
    weight = np.concatenate([np.full(size, (sum(sizes) / 2 / size) ** 0.5) for size in sizes])
    labels = np.concatenate((np.full(sizes[0], -1.0), np.full(sizes[1], 1.0)))
    weighted = diags_array(weight) @ stacked
    squares = float(norm(weighted) ** 2) if issparse(weighted) else float(np.square(weighted).sum())
    damp = (squares / stacked.shape[1] * _RIDGE) ** 0.5
    return np.asarray(lsqr(weighted, labels * weight, damp=damp, iter_lim=_ROUNDS)[0], dtype=np.float64)


def _area(reference: Floats, current: Floats) -> float:
    ranks = rankdata(np.concatenate((reference, current)))[len(reference) :]
    above = float(ranks.sum()) - len(current) * (len(current) + 1) / 2
    return above / (len(reference) * len(current))
