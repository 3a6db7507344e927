"""Inputs of logged rows as numbers that a model of the reward can take. Called by `evaluation`.

Numbers are standardised, with a mark where they are missing; of texts the most frequent values have a column each. Only
inputs: what a version answered is no fact about the row.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

# More would fit noise in a few thousand rows.
_MOST_COLUMNS = 40
_MOST_VALUES = 8

Floats = NDArray[np.float64]


def features(rows: pa.Table) -> Floats:
    """A table of numbers without missing ones, shape (rows, columns); it may have no columns."""
    found: list[Floats] = []
    for name in rows.column_names:
        if name.startswith("input."):
            found += [each for each in _columns(rows[name]) if each.std() > 0]
    return np.column_stack(found[:_MOST_COLUMNS]) if found else np.zeros((rows.num_rows, 0))


def _columns(column: pa.ChunkedArray) -> Iterator[Floats]:
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        yield from _numbers(np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64))
    elif pa.types.is_string(column.type) or pa.types.is_boolean(column.type):
        yield from _values(pc.cast(column, pa.string()))


def _numbers(values: Floats) -> Iterator[Floats]:
    missing = ~np.isfinite(values)
    if missing.all():
        return
    spread = float(values[~missing].std())
    yield np.where(missing, 0.0, (values - values[~missing].mean()) / (spread or 1.0))
    yield missing.astype(np.float64)


def _values(column: pa.ChunkedArray) -> Iterator[Floats]:
    encoded = column.combine_chunks().dictionary_encode()
    places = encoded.indices.fill_null(-1).to_numpy()
    counts = np.bincount(places[places >= 0], minlength=len(encoded.dictionary))
    for value in np.argsort(-counts, kind="stable")[:_MOST_VALUES].tolist():
        yield (places == value).astype(np.float64)
