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

from interlock.comparison.numbers import as_floats
from interlock.comparison.rows import Rows
from interlock.stats.estimate_trust import ScoreSupport, too_many

Floats = NDArray[np.float64]

# A column of more levels is no input whose new values mean anything.
_MOST_LEVELS = 200


@dataclass(frozen=True)
class Support:
    """What the reference holds of scores, and how many rows of each chunk lie outside in each input.

    Args:
        scores: Of the reference.
        outside: For each input, rows per chunk whose value the reference does not reach.
    """

    scores: ScoreSupport
    outside: dict[str, NDArray[np.int64]]

    def doubt(self, number: int, scores: Floats) -> str:
        """Why a chunk's rows are too unlike the reference; empty if they are not."""
        if doubt := self.scores.doubt(scores):
            return doubt
        for name, rows in self.outside.items():
            if too_many(int(rows[number]), len(scores)):
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
    outside = {name: rows for name in inputs if (rows := _outside(name, before, now, chunk_of_row)) is not None}
    return Support(ScoreSupport.learn(scores), outside)


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
