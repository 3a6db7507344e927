"""Columns of vectors: how far apart their means are, whether a classifier tells both sides apart, their discrepancy.

Called for columns that hold equally many numbers in each row. Like texts, vectors become numbers per row, which are
compared like numeric columns; the maximum mean discrepancy adds a test of its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from interlock.comparison.levels import NotComparableError
from interlock.stats import mmd
from interlock.stats.domain_classifier import domain_scores

Floats = NDArray[np.float64]

# Vectors looked at on each side, regularly spread, and of these by the discrepancy, whose cost grows with their square.
_MOST_ROWS, _MOST_IN_KERNEL = 10_000, 500
_PERMUTATIONS = 1_999
_FEWEST_ROWS = 20
_SEED = 20260101


@dataclass(frozen=True)
class Vectors:
    """A column of vectors.

    Args:
        values: Those looked at, shape (rows, numbers).
        missing: Of all rows, those without a vector, or with a number missing in it.
        rows: All.
    """

    values: Floats
    missing: int
    rows: int


@dataclass(frozen=True)
class EmbeddingChange:
    """What was found.

    Args:
        statistics: Numbers per row by name, of reference and current rows.
        measures: Distances by name; `mmd_p` is a p-value.
    """

    statistics: dict[str, tuple[Floats, Floats]]
    measures: dict[str, float | None]


def read(chunks: Iterable[pa.Array], rows: int) -> Vectors:
    """Read a column of vectors.

    Raises:
        NotComparableError: Rows hold different numbers of numbers.
    """
    every, seen, missing = max(1, -(-rows // _MOST_ROWS)), 0, 0
    parts: list[Floats] = []
    for chunk in chunks:
        known = chunk.drop_null()
        missing += chunk.null_count
        taken = known.take(pa.array(np.arange((-seen) % every, len(known), every)))
        seen += len(known)
        if len(taken):
            parts.append(_matrix(taken))
    widths = {part.shape[1] for part in parts}
    if len(widths) > 1:
        raise NotComparableError(f"vectors of {' and '.join(map(str, sorted(widths)))} numbers")
    values = np.vstack(parts) if parts else np.empty((0, 0))
    whole = np.isfinite(values).all(axis=1)
    return Vectors(values[whole], missing + int(np.count_nonzero(~whole)) * every, rows)


def compare(before: Vectors, now: Vectors) -> EmbeddingChange:
    """Compare two columns of vectors. Fewer than twenty on a side are not compared.

    Raises:
        NotComparableError: They have different lengths.

    Examples:
        >>> rng = np.random.default_rng(1)
        >>> sides = [Vectors(rng.standard_normal((200, 8)) + shift, 0, 200) for shift in (0.0, 0.5)]
        >>> found = compare(*sides)
        >>> found.measures["mmd_p"], found.measures["domain_auc"] > 0.75
        (0.0005, True)
    """
    if min(len(before.values), len(now.values)) < _FEWEST_ROWS:
        return EmbeddingChange({}, {})
    if before.values.shape[1] != now.values.shape[1]:
        raise NotComparableError(
            f"vectors of {before.values.shape[1]} numbers in the reference and {now.values.shape[1]} now"
        )
    # The first half of the reference says where its middle is; the other is as far from it as like rows would be.
    learnt, held = before.values[::2], before.values[1::2]
    centre, spread = learnt.mean(axis=0), learnt.std(axis=0)
    spread[spread == 0] = 1.0
    domain = domain_scores((before.values - centre) / spread, (now.values - centre) / spread)
    distances = tuple(np.linalg.norm((side - centre) / spread, axis=1) for side in (held, now.values))
    means = now.values.mean(axis=0) - before.values.mean(axis=0)
    test = mmd.analyze(
        *(_sampled((side - centre) / spread) for side in (before.values, now.values)),
        permutations=_PERMUTATIONS,
        rng=np.random.default_rng(_SEED),
    )
    return EmbeddingChange(
        {"domain": (domain.reference, domain.current), "distance": (distances[0], distances[1])},
        {
            "distance_of_means": float(np.linalg.norm(means)),
            "distance_of_means_sigma": float(np.linalg.norm(means / spread) / np.sqrt(len(means))),
            "domain_auc": domain.auc,
            "mmd": test.squared,
            "mmd_p": test.p_value,
        },
    )


def _matrix(taken: pa.Array) -> Floats:
    lengths = np.diff(taken.offsets.to_numpy()) if hasattr(taken, "offsets") else np.array([taken.type.list_size])
    if len(set(lengths.tolist())) > 1:
        raise NotComparableError(f"vectors of {lengths.min()} to {lengths.max()} numbers")
    flat = taken.flatten().to_numpy(zero_copy_only=False).astype(np.float64)
    return np.asarray(flat.reshape(len(taken), -1), dtype=np.float64)


def _sampled(values: Floats) -> Floats:
    return values[:: max(1, -(-len(values) // _MOST_IN_KERNEL))]
