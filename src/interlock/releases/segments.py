"""What a candidate does to a metric in parts of the traffic: a look around, which decides nothing.

Called by the gate on effects where the plan declares segments. A unit is in the segment of its first row, before its
arm could act. All intervals hold together: the level of the gate is split over as many segments as there may be. Still,
groups are formed by what has come, and who looks at many finds some; what is found here wants a test of its own.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from interlock.releases.outcomes import Units
from interlock.releases.wording import finite
from interlock.stats import mean_difference

# Values of a column with a group of their own; the others are one more.
_MOST_VALUES = 8
_QUARTERS = (0.25, 0.5, 0.75)


def explore(units: Units, version: str, columns: tuple[str, ...], *, alpha: float) -> list[dict[str, Any]]:
    """The difference of means of each segment.

    Args:
        units: With `inputs`.
        version: The candidate.
        columns: Names of inputs.
        alpha: Of all intervals together.
    """
    each = alpha / comparisons(columns)
    return [
        {"column": column, "value": value, **_difference(units.where(which), version, each)}
        for column in columns
        if f"input.{column}" in units.inputs.column_names
        for value, which in _groups(units.inputs[f"input.{column}"])
    ]


def comparisons(columns: tuple[str, ...]) -> int:
    """The most segments that there may be."""
    return max(1, len(columns) * (_MOST_VALUES + 1))


def _difference(units: Units, version: str, alpha: float) -> dict[str, Any]:
    result = mean_difference.analyze(units.strata(version), alpha=alpha)
    return {
        "champion_units": result.champion_units,
        "challenger_units": result.challenger_units,
        "estimate": finite(result.estimate) if min(result.champion_units, result.challenger_units) else None,
        "lower": finite(result.lower),
        "upper": finite(result.upper),
    }


def _groups(column: pa.ChunkedArray) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Name of each group, and who is in it."""
    is_number = pa.types.is_floating(column.type) or pa.types.is_integer(column.type)
    if is_number and pc.count_distinct(column).as_py() > _MOST_VALUES:
        yield from _quarters(np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64))
        return
    names = np.asarray(pc.fill_null(pc.cast(column, pa.string()), "missing").to_numpy())
    values, counts = np.unique(names, return_counts=True)
    own = values[np.argsort(-counts, kind="stable")[:_MOST_VALUES]]
    for value in own.tolist():
        yield value, names == value
    if len(values) > len(own):
        yield "others", ~np.isin(names, own)


def _quarters(numbers: NDArray[np.float64]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    known = np.isfinite(numbers)
    edges = np.unique(np.quantile(numbers[known], _QUARTERS)).tolist()
    for low, high in zip([-np.inf, *edges], [*edges, np.inf], strict=True):
        yield _range(low, high), known & (numbers >= low) & (numbers < high)
    if not known.all():
        yield "missing", ~known


def _range(low: float, high: float) -> str:
    if low == -np.inf:
        return f"under {high:.4g}"
    return f"{low:.4g} and over" if high == np.inf else f"{low:.4g} to {high:.4g}"
