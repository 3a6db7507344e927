"""Finds parts of the rows in which errors concentrate: one bin of one column, or a bin of each of two.

What it finds was chosen because it looks bad on these rows, so it proves nothing: `slice_effect` judges it on others.
It refuses to look deeper than two columns, and looks at pairs of the columns that say most alone.

References:
    Chung et al. (2019), Slice Finder: automated data slicing for model validation, doi:10.1109/ICDE.2019.00139.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]

# 435 pairs of columns at most, whatever the width of the table.
_MOST_COLUMNS = 30

# Of two parts that share more of their rows, the weaker tells nothing new.
_MOST_ALIKE = 0.5

# Less is what chance gives some part of any table.
_LEAST_SCORE = 2.0

# A second column has to say something of its own.
_GROWTH = 1.1


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that have these bins: pairs of a column's number and a bin's. `score`: how many standard errors worse."""

    bins: tuple[tuple[int, int], ...]
    score: float

    def rows(self, columns: Sequence[Codes]) -> NDArray[np.bool_]:
        """Which rows belong to it, shape (n,)."""
        found = np.ones(len(columns[0]), dtype=np.bool_)
        for column, number in self.bins:
            found &= columns[column] == number
        return found


def search(columns: Sequence[Codes], errors: Floats, *, least_rows: int, most: int) -> list[Part]:
    """Find the parts whose mean error is most surely above that of the other rows.

    Args:
        columns: For each column the bin of each row, shape (n,), from 0; -1 for a row that is in none.
        errors: Of each row, shape (n,), finite.
        least_rows: Of a part; at least 2.
        most: Parts to give.

    Returns:
        The worst first. No two share more than half of the rows that either has.

    Examples:
        >>> rng = np.random.default_rng(1)
        >>> columns = [rng.integers(0, 3, 3000) for _ in range(4)]
        >>> chance = np.where((columns[0] == 1) & (columns[2] == 0), 0.5, 0.1)
        >>> found = search(columns, (rng.random(3000) < chance).astype(float), least_rows=50, most=3)
        >>> found[0].bins
        ((0, 1), (2, 0))
    """
    if not columns or len(errors) < 2 * least_rows:
        return []
    whole = _Sums(len(errors), float(errors.sum()), float((errors**2).sum()))
    alone: dict[_Bins, float] = {
        ((number, code),): score
        for number, codes in enumerate(columns)
        for code, score in _scores(codes, errors, whole, least_rows)
    }
    found = {**alone, **dict(_pairs(columns, errors, whole, least_rows, alone))}
    ranked = sorted((Part(bins, score) for bins, score in found.items() if score >= _LEAST_SCORE), key=_rank)
    return _unlike(ranked, columns, most)


@dataclass(frozen=True, slots=True)
class _Sums:
    rows: int
    errors: float
    squares: float


_Bins = tuple[tuple[int, int], ...]


def _rank(part: Part) -> tuple[float, int, _Bins]:
    return -part.score, len(part.bins), part.bins


def _scores(codes: Codes, errors: Floats, whole: _Sums, least_rows: int) -> Iterator[tuple[int, float]]:
    """Welch's statistic of each bin that has rows enough, against all other rows."""
    kept = codes >= 0
    inside, sum_, squares = (
        np.bincount(codes[kept], None if weights is None else weights[kept]).astype(np.float64)
        for weights in (None, errors, errors**2)
    )
    outside = whole.rows - inside
    enough = (inside >= least_rows) & (outside >= least_rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, rest = sum_ / inside, (whole.errors - sum_) / outside
        spread = (squares / inside - mean**2) / inside + ((whole.squares - squares) / outside - rest**2) / outside
        score = (mean - rest) / np.sqrt(np.maximum(spread, 1e-300))
    for code in np.flatnonzero(enough):
        yield int(code), float(score[code])


def _pairs(
    columns: Sequence[Codes], errors: Floats, whole: _Sums, least_rows: int, alone: dict[_Bins, float]
) -> Iterator[tuple[_Bins, float]]:
    """Pairs that are clearly worse than each of their two bins."""
    best: dict[int, float] = {}
    for ((column, _),), score in alone.items():
        best[column] = max(score, best.get(column, 0.0))
    for first, second in combinations(sorted(sorted(best, key=lambda each: -best[each])[:_MOST_COLUMNS]), 2):
        size = int(columns[second].max(initial=0)) + 1
        both = np.where((columns[first] >= 0) & (columns[second] >= 0), columns[first] * size + columns[second], -1)
        for code, score in _scores(both, errors, whole, least_rows):
            bins = ((first, code // size), (second, code % size))
            if score > _GROWTH * max(alone.get((each,), 0.0) for each in bins):
                yield bins, score


def _unlike(ranked: Sequence[Part], columns: Sequence[Codes], most: int) -> list[Part]:
    kept: list[tuple[Part, NDArray[np.bool_]]] = []
    for part in ranked:
        rows = part.rows(columns)
        if all((rows & other).sum() <= _MOST_ALIKE * (rows | other).sum() for _, other in kept):
            kept.append((part, rows))
        if len(kept) == most:
            break
    return [part for part, _ in kept]
