"""Bins of columns: which bin each row is in, and how a person reads the bin's name.

Called by replays for inputs and outputs. The bins are those of the champion's reference profile, or where it has none
they are learnt from the first rows.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from interlock.domain.model import ModelVersion
from interlock.stats.profile_bins import FeatureBins, ProfileSpec, learn

# Slices of a text with many values are the values that it had most often in the reference.
_MOST_CATEGORIES = 50


def reference_bins(version: ModelVersion) -> dict[str, FeatureBins]:
    """Bins of a version's reference profile by feature: inputs by name, outputs as `output.score`."""
    if version.profile is None:
        return {}
    spec = ProfileSpec.from_dict(version.profile["spec"])
    return {bins.name: _fewer(bins) for bins in spec.features}


def learnt_bins(columns: Mapping[str, NDArray[Any]]) -> dict[str, FeatureBins]:
    """Bins of the plain columns of some rows: numbers, texts and truth values."""
    kinds = {
        name: "categorical" if values.dtype.kind in "Ob" else "numeric"
        for name, values in columns.items()
        if values.ndim == 1 and values.dtype.kind in "Obif" and not _has_arrays(values)
    }
    return {bins.name: _fewer(bins) for bins in learn(columns, kinds).features}


def numbers_in(bins: FeatureBins, values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Which bin each number is in; the last is of missing ones."""
    found = np.zeros(len(values), dtype=np.int64)
    # Edges are few: to compare with each is faster than to look for each value's place.
    for edge in bins.edges:
        found += values > edge
    found[np.isnan(values)] = len(bins.edges) + 1
    return found


def texts_in(bins: FeatureBins, column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Which bin each text is in: a category each, then other values, then missing ones."""
    places = {category: at for at, category in enumerate(bins.categories)}
    other = len(places)
    encoded = pc.cast(column, pa.string()).combine_chunks().dictionary_encode()
    known = np.array([places.get(value, other) for value in encoded.dictionary.to_pylist()], dtype=np.int64)
    indices = encoded.indices.fill_null(-1).to_numpy()
    return np.where(indices < 0, other + 1, known[indices]) if len(known) else np.full(len(indices), other + 1)


def names_of(bins: FeatureBins) -> list[str]:
    """How a person reads each bin."""
    if bins.kind == "categorical":
        return [*bins.categories, "another value", "missing"]
    edges = [f"{edge:.6g}" for edge in bins.edges]
    if not edges:
        return ["any", "missing"]
    between = [f"{low} to {high}" for low, high in pairwise(edges)]
    return [f"at most {edges[0]}", *between, f"over {edges[-1]}", "missing"]


def _fewer(bins: FeatureBins) -> FeatureBins:
    if len(bins.categories) <= _MOST_CATEGORIES:
        return bins
    return FeatureBins(bins.name, bins.kind, categories=bins.categories[:_MOST_CATEGORIES])


def _has_arrays(values: NDArray[Any]) -> bool:
    return values.dtype == np.object_ and any(isinstance(value, np.ndarray | list) for value in values)
