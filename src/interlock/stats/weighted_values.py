"""Values of one column, sorted and counted: what measures that need more than a profile's bins are computed from.

Called by drift measures. Exact where it holds every row; a coarser one (means of many narrow bins, with their counts)
goes through the same formulas, which is what `--approximate` means. It refuses missing and infinite values.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class WeightedValues:
    """Sorted finite values and how many rows have each.

    Args:
        values: Ascending; equal ones may repeat. At least one.
        counts: Rows per value, over 0.
        is_integer: Whether the rows are whole numbers by type: NumPy's rules for bins differ for them.
    """

    values: Floats
    counts: Floats
    is_integer: bool = False

    @classmethod
    def of_rows(cls, rows: ArrayLike) -> Self:
        """Count rows, leaving out missing and infinite ones.

        Raises:
            ValueError: Nothing is left.

        Examples:
            >>> WeightedValues.of_rows([3.0, 1.0, float("nan")]).values.tolist()
            [1.0, 3.0]
        """
        rows = np.asarray(rows)
        is_integer = bool(np.issubdtype(rows.dtype, np.integer))
        values = rows.astype(np.float64)
        values = np.sort(values[np.isfinite(values)])
        if len(values) == 0:
            raise ValueError("rows hold no finite value, must hold one")
        return cls(values, np.ones(len(values)), is_integer)

    @property
    def rows(self) -> float:
        """How many rows there are."""
        return float(self.counts.sum())

    @property
    def distinct(self) -> int:
        """How many values differ."""
        return 1 + int(np.count_nonzero(np.diff(self.values)))

    @property
    def mean(self) -> float:
        return float(self.values @ self.counts / self.rows)

    @property
    def population_std(self) -> float:
        """With n, not n - 1."""
        return float(np.sqrt(np.square(self.values - self.mean) @ self.counts / self.rows))

    def cdf(self, points: Floats) -> Floats:
        """Share of rows up to each point."""
        reached = np.concatenate(([0.0], np.cumsum(self.counts)))
        return np.asarray(reached[self.values.searchsorted(points, side="right")] / self.rows, dtype=np.float64)

    def histogram(self, edges: Floats) -> Floats:
        """Rows per bin, as `numpy.histogram` counts them: the last bin holds its upper edge too."""
        return np.histogram(self.values, edges, weights=self.counts)[0].astype(np.float64)

    def per_value(self) -> dict[float, float]:
        """Rows of each distinct value."""
        starts = np.flatnonzero(np.concatenate(([True], np.diff(self.values) > 0)))
        return dict(zip(self.values[starts].tolist(), np.add.reduceat(self.counts, starts).tolist(), strict=True))


def merge(first: WeightedValues, second: WeightedValues) -> WeightedValues:
    """The rows of both."""
    values, counts = np.concatenate((first.values, second.values)), np.concatenate((first.counts, second.counts))
    order = np.argsort(values, kind="stable")
    return WeightedValues(values[order], counts[order], first.is_integer and second.is_integer)
