"""What Evidently and NannyML would say of a column by their default rules, from their definitions.

Used beside the product's rule on the same rows. The packages themselves are not needed: the measures are the ones whose
equality with those packages golden files check; what is added here are the defaults that choose test and threshold.

References: Evidently 0.7.23, legacy/calculations/stattests/registry.py (`_get_default_stattest`),
chisquare_stattest.py, z_stattest.py; NannyML 0.13.1, drift/univariate/methods.py, thresholds.py
(`StandardDeviationThreshold`), chunk.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon
from scipy.stats import chisquare, ks_2samp, norm

from interlock.stats.evidently import jensen_shannon_evidently
from interlock.stats.nannyml import doane_edges
from interlock.stats.wasserstein import wasserstein_sigma
from interlock.stats.weighted_values import WeightedValues

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_SMALL, _DISTANCE, _LEVEL = 1_000, 0.1, 0.05
_CHUNKS, _SIGMAS = 10, 3


@dataclass(frozen=True)
class Column:
    """One column of both sides: numbers with nan as missing, or codes of levels, from 0."""

    reference: NDArray[Any]
    current: NDArray[Any]

    @property
    def is_numeric(self) -> bool:
        return bool(np.issubdtype(self.reference.dtype, np.floating))


def evidently(column: Column) -> bool:
    """Whether Evidently's default test calls a column drifted. Missing values are left out, as it leaves them out."""
    if not column.is_numeric:
        return _evidently_levels(column.reference, column.current, len(column.reference))
    before, now = (side[np.isfinite(side)] for side in (column.reference, column.current))
    if len(np.unique(np.concatenate((before, now)))) <= 5:
        _, codes = np.unique(np.concatenate((before, now)), return_inverse=True)
        return _evidently_levels(codes[: len(before)], codes[len(before) :], len(before))
    if len(before) <= _SMALL:
        return bool(ks_2samp(before, now)[1] <= _LEVEL)
    return wasserstein_sigma(WeightedValues.of_rows(before), WeightedValues.of_rows(now)) >= _DISTANCE


def _evidently_levels(before: Codes, now: Codes, rows: int) -> bool:
    levels = int(max(before.max(), now.max())) + 1
    counts = [np.bincount(side, minlength=levels).astype(float) for side in (before, now)]
    used = (counts[0] + counts[1]) > 0
    reference, current = counts[0][used], counts[1][used]
    if rows > _SMALL:
        sides = [{str(place): float(rows) for place, rows in enumerate(side)} for side in (reference, current)]
        return jensen_shannon_evidently(sides[0], sides[1]) >= _DISTANCE
    if len(reference) <= 2:
        return _z_test(reference, current)
    if not reference.all():
        return True  # a level that the reference lacks was expected never: p is 0
    expected = reference * current.sum() / reference.sum()
    return bool(chisquare(current, expected)[1] < _LEVEL)


def _z_test(reference: Floats, current: Floats) -> bool:
    sizes = reference.sum(), current.sum()
    shares = reference[-1] / sizes[0], current[-1] / sizes[1]
    pooled = (reference[-1] + current[-1]) / sum(sizes)
    spread = np.sqrt(pooled * (1 - pooled) * (1 / sizes[0] + 1 / sizes[1]))
    return bool(spread > 0 and 2 * norm.sf(abs(shares[1] - shares[0]) / spread) < _LEVEL)


def nannyml(column: Column) -> bool:
    """Whether NannyML's default (Jensen-Shannon distance above mean + 3 σ of the reference's chunks) alerts.

    The reference is cut into chunks of as many rows as the current window has if it holds ten of them, else into ten.
    """
    alerts = NannymlRule(column.reference, len(column.current))
    return alerts.is_drifted(column.current)


class NannymlRule:
    """The threshold that one reference gives, so that many windows can be compared with it.

    Args:
        reference: The column.
        rows: Of a window.
    """

    def __init__(self, reference: NDArray[Any], rows: int) -> None:
        self._is_numeric = bool(np.issubdtype(reference.dtype, np.floating))
        self._edges = self._learn(reference)
        self._shares = self._histogram(reference)
        size = rows if len(reference) // rows >= _CHUNKS else len(reference) // _CHUNKS
        found = np.array([self.distance(part) for part in _cut(reference, max(1, size))])
        self.threshold = min(1.0, float(found.mean() + _SIGMAS * found.std()))

    def is_drifted(self, current: NDArray[Any]) -> bool:
        return self.distance(current) > self.threshold

    def distance(self, part: NDArray[Any]) -> float:
        """As `jensen_shannon_nannyml`, with the reference's shares counted once."""
        now = self._histogram(part)
        left = 1.0 - float(now.sum())
        before = self._shares
        if left > 0:
            before, now = np.append(before, 0.0), np.append(now, left)
        return float(jensenshannon(before, now, base=2))

    def _learn(self, reference: NDArray[Any]) -> Floats:
        if not self._is_numeric:
            return np.unique(reference).astype(float)
        return doane_edges(replace(WeightedValues.of_rows(reference), is_integer=False))

    def _histogram(self, part: NDArray[Any]) -> Floats:
        if self._is_numeric:
            known = part[np.isfinite(part)]
            return np.asarray(np.histogram(known, self._edges)[0] / max(1, len(known)), dtype=np.float64)
        counts = np.bincount(part, minlength=int(self._edges[-1]) + 1)
        return np.asarray(counts[self._edges.astype(int)] / len(part), dtype=np.float64)


def _cut(reference: NDArray[Any], size: int) -> Iterator[NDArray[Any]]:
    """Chunks in order; what is left over is one more, as NannyML keeps it."""
    for start in range(0, len(reference), size):
        yield reference[start : start + size]
