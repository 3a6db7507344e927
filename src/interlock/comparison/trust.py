"""Whether an estimate of quality without labels can be believed: is the reference still like what is scored now?

Called by `estimate` for each chunk. What a score means was learnt from the reference, so it holds only where the
reference has rows, and only as long as labels, where they arrived, do not contradict it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.special import chdtrc

from interlock.comparison.numbers import as_floats
from interlock.comparison.rows import Rows

Floats = NDArray[np.float64]

# Share of a chunk's rows that may lie where the reference has none.
_MOST_OUTSIDE = 0.02
_FEWEST_OUTSIDE = 5

# The reference rows that say anything about a chunk's scores, as a share of all: below, the meaning of its scores rests
# on a corner of the reference.
_LEAST_SUPPORT = 0.1
_SCORE_BINS = 20

# Labels contradict the calibration from this p-value on. One chunk in fifty loses its trust by chance.
_CONTRADICTION = 0.02
FEWEST_LABELS = 50
"""Fewer labels in a chunk neither contradict nor confirm."""

_LABEL_BINS = 5

# A column of more levels is no input whose new values mean anything.
_MOST_LEVELS = 200


@dataclass(frozen=True)
class Support:
    """What the reference holds of scores, and how many rows of each chunk lie outside in each input.

    Args:
        edges: Inner edges of bins of equal share of the reference's scores, with its range at both ends.
        counts: Reference rows per bin.
        outside: For each input, rows per chunk whose value the reference does not reach.
    """

    edges: Floats
    counts: Floats
    outside: dict[str, NDArray[np.int64]]

    def doubt(self, number: int, scores: Floats) -> str:
        """Why a chunk's rows are too unlike the reference; empty if they are not."""
        beyond = int(((scores < self.edges[0]) | (scores > self.edges[-1])).sum())
        if _too_many(beyond, len(scores)):
            return f"{beyond / len(scores):.1%} of the scores lie outside the reference's"
        shares = np.bincount(self.edges[1:-1].searchsorted(scores, side="right"), minlength=len(self.counts))
        informing = 1 / float((np.square(shares / shares.sum()) / self.counts).sum())
        if informing < _LEAST_SUPPORT * self.counts.sum():
            return (
                f"its scores lie where the reference has few rows ({informing:,.0f} of {self.counts.sum():,.0f} speak)"
            )
        for name, rows in self.outside.items():
            if _too_many(int(rows[number]), len(scores)):
                return f"{rows[number] / len(scores):.1%} of {name} lie outside the reference"
        return ""


def learn_support(
    before: Rows, now: Rows, inputs: Sequence[str], scores: Floats, chunk_of_row: NDArray[np.int64]
) -> Support:
    """Learn what the reference holds, and count what lies outside.

    Args:
        before: The reference.
        now: The current rows.
        inputs: Columns that both have and that are neither score nor label.
        scores: Of the reference.
        chunk_of_row: Number of the chunk of each current row, -1 for none.
    """
    inner = np.unique(np.quantile(scores, np.arange(1, _SCORE_BINS) / _SCORE_BINS))
    inner = inner[(inner > scores.min()) & (inner <= scores.max())]
    counts = np.bincount(inner.searchsorted(scores, side="right"), minlength=len(inner) + 1).astype(np.float64)
    outside = {name: rows for name in inputs if (rows := _outside(name, before, now, chunk_of_row)) is not None}
    return Support(np.concatenate(([scores.min()], inner, [scores.max()])), counts, outside)


def contradiction(labels: Floats, chances: Floats, reference_rows: int) -> str:
    """Why labels that arrived speak against the calibration; empty if they do not, or are too few to say.

    The sums of label minus chance in five bins of the chances, each with its variance: Hosmer and Lemeshow's test, with
    the calibration's own sampling error.
    """
    if len(labels) < FEWEST_LABELS:
        return ""
    parts = np.array_split(np.argsort(chances, kind="stable"), _LABEL_BINS)
    away = np.array([(labels[part] - chances[part]).sum() for part in parts])
    variance = np.array([(chances[part] * (1 - chances[part])).sum() for part in parts])
    # Under one expected event the normal distribution says nothing; half a row keeps a bin of certain rows in play.
    variance = np.maximum(variance, 0.5) * (1 + len(labels) / reference_rows)
    if float(chdtrc(_LABEL_BINS, (away**2 / variance).sum())) >= _CONTRADICTION:
        return ""
    return f"{len(labels):,} labels show {labels.mean():.1%} positives where {chances.mean():.1%} were expected"


def _too_many(rows: int, of: int) -> bool:
    return rows >= _FEWEST_OUTSIDE and rows > _MOST_OUTSIDE * of


def _outside(name: str, before: Rows, now: Rows, chunk_of_row: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Rows per chunk outside the reference's range or levels; None for a column that says nothing."""
    kinds = [rows.types[name] for rows in (before, now)]
    if all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in kinds):
        return _beyond_range(name, before, now, chunk_of_row)
    if all(_is_levels(kind) for kind in kinds):
        return _of_new_levels(name, before, now, chunk_of_row)
    return None


def _beyond_range(name: str, before: Rows, now: Rows, chunk_of_row: NDArray[np.int64]) -> NDArray[np.int64] | None:
    low, high, rises, last = np.inf, -np.inf, True, -np.inf
    for values in map(as_floats, before.chunks(name)):
        known = values[np.isfinite(values)]
        if len(known):
            low, high = min(low, float(known.min())), max(high, float(known.max()))
            rises = rises and float(known[0]) > last and bool((np.diff(known) > 0).all())
            last = float(known[-1])
    # A column that only rises is a counter or a clock, and always leaves its range.
    if rises or low > high:
        return None
    masks = [(values < low) | (values > high) for values in map(as_floats, now.chunks(name))]
    return _per_chunk(masks, chunk_of_row)


def _of_new_levels(name: str, before: Rows, now: Rows, chunk_of_row: NDArray[np.int64]) -> NDArray[np.int64] | None:
    seen: set[str] = set()
    for chunk in before.chunks(name):
        seen.update(pc.unique(_plain(chunk)).drop_null().to_pylist())
        if len(seen) > _MOST_LEVELS:
            return None
    known = pa.array(sorted(seen), pa.string())
    masks = []
    for chunk in now.chunks(name):
        plain = _plain(chunk)
        new = pc.and_(pc.is_valid(plain), pc.invert(pc.is_in(plain, value_set=known)))
        masks.append(np.asarray(new.to_numpy(zero_copy_only=False), dtype=np.bool_))
    return _per_chunk(masks, chunk_of_row)


def _plain(chunk: pa.Array) -> pa.Array:
    decoded = chunk.dictionary_decode() if pa.types.is_dictionary(chunk.type) else chunk
    return pc.cast(decoded, pa.string())


def _per_chunk(masks: list[NDArray[np.bool_]], chunk_of_row: NDArray[np.int64]) -> NDArray[np.int64]:
    chunks = int(chunk_of_row.max(initial=-1)) + 1
    hit = chunk_of_row[np.concatenate([np.empty(0, dtype=np.bool_), *masks])]
    return np.bincount(hit[hit >= 0], minlength=chunks)


def _is_levels(kind: pa.DataType) -> bool:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(value) or pa.types.is_large_string(value) or pa.types.is_boolean(value))
