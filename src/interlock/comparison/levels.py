"""Counting a categorical column: rows per level, on both sides alike.

Called once per categorical column and side. Levels that only one side has are levels of the table like all others: a
bin for "everything the reference lacks" is empty on the reference's side by construction, and a test would take that
for drift.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from interlock.domain.errors import InvalidInputError

MOST_LEVELS = 200_000
"""More distinct values are an identifier, and no column to compare."""

# The tests look at so many levels, the most frequent ones of both sides together; all others are one bin.
_MOST_TESTED = 2_000


@dataclass(frozen=True)
class LevelCounts:
    """Rows per level, and rows without one."""

    levels: dict[str, int]
    missing: int

    @property
    def rows(self) -> int:
        return sum(self.levels.values()) + self.missing


class NotComparableError(InvalidInputError):
    """What a column holds cannot be compared. The message goes on after "it has"."""


class TooManyLevelsError(NotComparableError):
    """The column is an identifier."""


def count(chunks: Iterable[pa.Array]) -> LevelCounts:
    """Count rows per level, in one pass.

    Raises:
        TooManyLevelsError: It has more than `MOST_LEVELS` distinct values.
    """
    found: dict[str, int] = {}
    missing = 0
    for chunk in chunks:
        missing += chunk.null_count
        for level, rows in _counted(chunk):
            found[level] = found.get(level, 0) + rows
        if len(found) > MOST_LEVELS:
            raise TooManyLevelsError(f"more than {MOST_LEVELS:,} distinct values: an identifier")
    nan = found.pop("nan", 0)
    return LevelCounts(found, missing + nan)


def _counted(chunk: pa.Array) -> list[tuple[str, int]]:
    if pa.types.is_null(chunk.type):
        return []
    if not pa.types.is_dictionary(chunk.type):
        chunk = pc.dictionary_encode(chunk)
    # Indices of missing values are left out; the dictionary may hold values that no row has.
    indices = chunk.indices.drop_null().to_numpy(zero_copy_only=False)
    counts = np.bincount(indices, minlength=len(chunk.dictionary)).tolist()
    return [
        (level_name(value), rows)
        for value, rows in zip(chunk.dictionary.to_pylist(), counts, strict=True)
        if rows and value is not None
    ]


def level_name(value: Any) -> str:
    """A value as JSON would name it; whole numbers alike whether they came as integers or as floats.

    Examples:
        >>> level_name("a"), level_name(True), level_name(3.0), level_name(3)
        ('a', 'true', '3', '3')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


@dataclass(frozen=True)
class LevelTable:
    """Both sides' counts of the same levels, the most frequent first; the last bin may hold all rare ones."""

    names: tuple[str, ...]
    reference: NDArray[np.int64]
    current: NDArray[np.int64]


def join(reference: LevelCounts, current: LevelCounts) -> LevelTable:
    """Put both sides' counts side by side."""
    names = sorted(
        reference.levels.keys() | current.levels.keys(),
        key=lambda name: (-reference.levels.get(name, 0) - current.levels.get(name, 0), name),
    )
    before = np.array([reference.levels.get(name, 0) for name in names], dtype=np.int64)
    now = np.array([current.levels.get(name, 0) for name in names], dtype=np.int64)
    if len(names) <= _MOST_TESTED:
        return LevelTable(tuple(names), before, now)
    kept = _MOST_TESTED - 1
    return LevelTable(
        (*names[:kept], f"{len(names) - kept:,} rare values"),
        np.append(before[:kept], before[kept:].sum()),
        np.append(now[:kept], now[kept:].sum()),
    )


def unseen_share(reference: LevelCounts, current: LevelCounts) -> float:
    """Share of the current rows whose level no row of the reference has."""
    unseen = sum(rows for level, rows in current.levels.items() if level not in reference.levels)
    return unseen / current.rows if current.rows else 0.0
