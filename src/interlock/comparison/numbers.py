"""Counting a numeric column: bins on the reference's exact deciles, moments, and (only if asked for) all its values.

Called once per numeric column and side. The reference's column is held alone while its deciles are found; the current
one passes through block by block.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from interlock.stats.weighted_values import WeightedValues

Floats = NDArray[np.float64]

_DECILES = np.arange(1, 10) / 10

# Up to as many distinct values as there are bins, every value has a bin of its own.
_FEW_DISTINCT = 10
_LOOKED_AT = 5_000

# Bins of the coarse copy that `--approximate` computes from.
_FINE = 2_000
_FINE_SAMPLE = 200_000

_WEIGHTLESS = 1e-9

# Rows whose values are held for their deciles: 512 MB. Of larger columns a regular sample of as many is held.
_MOST_HELD = 1 << 26


@dataclass(frozen=True)
class NumericCounts:
    """What is kept of a numeric column.

    `counts` has a bin below the reference's minimum, the bins of its deciles, and one above its maximum. Moments are
    over finite values; `std` has n - 1. None where there is no value.
    """

    edges: Floats
    counts: NDArray[np.int64]
    missing: int
    mean: float | None
    std: float | None
    minimum: float | None
    maximum: float | None

    @property
    def rows(self) -> int:
        return int(self.counts.sum()) + self.missing

    @property
    def decile_counts(self) -> NDArray[np.int64]:
        """Counts with the bins outside the reference's range joined to their neighbours."""
        inner = self.counts[1:-1].copy()
        inner[0] += self.counts[0]
        inner[-1] += self.counts[-1]
        return inner


def as_floats(chunk: pa.Array) -> Floats:
    """Values as 64-bit floats, NaN where one is missing. Times are microseconds since 1970."""
    kind = chunk.type
    if pa.types.is_dictionary(kind):
        return as_floats(chunk.dictionary_decode())
    if pa.types.is_null(kind):
        return np.full(len(chunk), np.nan)
    if pa.types.is_temporal(kind):
        moment = pa.types.is_date(kind) or pa.types.is_timestamp(kind)
        chunk = pc.cast(chunk, pa.timestamp("us"), safe=False) if moment else chunk
        chunk = chunk.cast(pa.int32()) if pa.types.is_time32(kind) else chunk.cast(pa.int64())
    if not pa.types.is_float64(chunk.type):
        chunk = pc.cast(chunk, pa.float64(), safe=False)
    return np.asarray(chunk.to_numpy(zero_copy_only=False), dtype=np.float64)


def gather(chunks: Iterable[Floats], rows: int) -> Floats:
    """One array of the column's values without missing ones; of very large columns, one out of so many."""
    every = -(-rows // _MOST_HELD)
    held = np.empty(-(-rows // every) + 1)
    filled = seen = 0
    for chunk in chunks:
        part = chunk[(-seen) % every :: every] if every > 1 else chunk
        seen += len(chunk)
        known = part[~np.isnan(part)] if np.isnan(part).any() else part
        held[filled : filled + len(known)] = known
        filled += len(known)
    return held[:filled]


def learn_edges(values: Floats) -> Floats:
    """Inner edges on the deciles of the reference and outer ones at its range; bins are (edge, edge].

    Args:
        values: Without missing ones; reordered in place.

    Examples:
        >>> learn_edges(np.arange(100.0))[1:].tolist()
        [9.0, 19.0, 29.0, 39.0, 49.0, 59.0, 69.0, 79.0, 89.0, 99.0]
    """
    if len(values) == 0:
        return np.array([0.0, 0.0])
    low, high = float(values.min()), float(values.max())
    if len(np.unique(values[:_LOOKED_AT])) <= _FEW_DISTINCT and len(distinct := np.unique(values)) <= _FEW_DISTINCT:
        inner = distinct[:-1] / 2 + distinct[1:] / 2
    else:
        ranks = np.unique(np.ceil(len(values) * _DECILES - 1e-9).astype(np.int64) - 1)
        values.partition(ranks)
        inner = np.unique(values[ranks])
    inner = inner[(inner >= low) & (inner < high) & np.isfinite(inner)]
    return np.concatenate(([np.nextafter(low, -np.inf)], inner, [high]))


def count(chunks: Iterable[Floats], edges: Floats) -> NumericCounts:
    """Count rows into the reference's bins, in one pass."""
    up_to = np.zeros(len(edges), dtype=np.int64)
    rows = missing = 0
    moments = _Moments(float(edges[len(edges) // 2]))
    for chunk in chunks:
        rows += len(chunk)
        missing += int(np.count_nonzero(np.isnan(chunk)))
        # As many comparisons as edges take a fifth of the time of a binary search for each row.
        up_to += [np.count_nonzero(chunk <= edge) for edge in edges.tolist()]
        moments.update(chunk)
    counts = np.diff(np.concatenate(([0], up_to, [rows - missing])))
    return NumericCounts(edges, counts, missing, *moments.describe())


class _Moments:
    """Sums of deviations from a value near the data, so that the variance keeps its digits."""

    def __init__(self, centre: float) -> None:
        self._centre = centre if np.isfinite(centre) else 0.0
        self._rows, self._sum, self._squares = 0, 0.0, 0.0
        self._low, self._high = np.inf, -np.inf

    def update(self, values: Floats) -> None:
        if not np.isfinite(values.sum()):
            values = values[np.isfinite(values)]
        if len(values) == 0:
            return
        away = values - self._centre
        self._rows += len(away)
        self._sum += float(away.sum())
        self._squares += float(away @ away)
        self._low = min(self._low, float(values.min()))
        self._high = max(self._high, float(values.max()))

    def describe(self) -> tuple[float | None, float | None, float | None, float | None]:
        if self._rows == 0:
            return None, None, None, None
        mean = self._sum / self._rows
        spread = max(0.0, self._squares - self._rows * mean * mean)
        std = float(np.sqrt(spread / (self._rows - 1))) if self._rows > 1 else None
        return self._centre + mean, std, self._low, self._high


def fine_edges(chunks: Iterable[Floats], rows: int) -> Floats:
    """Two thousand narrow bins on the quantiles of a regular sample of the reference."""
    every = max(1, rows // _FINE_SAMPLE)
    sample = np.concatenate([np.empty(0), *_sampled(chunks, every)])
    sample = sample[np.isfinite(sample)]
    if len(sample) == 0:
        return np.empty(0)
    return np.unique(np.quantile(sample, np.linspace(0, 1, _FINE + 1), method="inverted_cdf"))


def coarsen(chunks: Iterable[Floats], edges: Floats, *, is_integer: bool) -> WeightedValues | None:
    """The column as the means of narrow bins, with their counts and both ends of its range; None without values."""
    bins = len(edges) + 1
    counts, sums = np.zeros(bins), np.zeros(bins)
    low, high = np.inf, -np.inf
    for chunk in chunks:
        finite = chunk[np.isfinite(chunk)]
        if len(finite) == 0:
            continue
        places = edges.searchsorted(finite)
        counts += np.bincount(places, minlength=bins)
        sums += np.bincount(places, weights=finite, minlength=bins)
        low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    used = counts > 0
    if not used.any():
        return None
    # The ends of the range weigh nothing, but bins of equal width start from them.
    values = np.concatenate(([low], sums[used] / counts[used], [high]))
    weights = np.concatenate(([_WEIGHTLESS], counts[used], [_WEIGHTLESS]))
    return WeightedValues(np.clip(values, low, high), weights, is_integer)


def _sampled(chunks: Iterable[Floats], every: int) -> Iterator[Floats]:
    seen = 0
    for chunk in chunks:
        yield chunk[(-seen) % every :: every]
        seen += len(chunk)
