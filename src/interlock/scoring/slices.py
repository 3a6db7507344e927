"""Which rows change most from one version to the other: values of each input, and bins of its numbers.

Called by replays, batch by batch; memory holds sums by bin. It names slices to look at, and tests no hypothesis: a
candidate that answers quite differently in a slice may be the better one there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from interlock.domain.replay import Slice
from interlock.predictions.log_schema import field_name
from interlock.scoring import bins as binning
from interlock.stats.profile_bins import FeatureBins

# So many standard errors below its mean, a slice still leads: with some hundred slices one is that far off by chance.
_DEVIATIONS = 3.0
_FEWEST_ROWS = 30
_MOST_SLICES = 10

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """What is known of rows that both versions answered, one value a row.

    Args:
        change: As of `answered.change`.
        flip: 1 for another class, nan where there are none.
        scores: Of champion and candidate; nan where there are none.
        losses: Of champion and candidate, nan without a label.
    """

    change: Floats
    flip: Floats
    scores: tuple[Floats, Floats]
    losses: tuple[Floats, Floats]

    @property
    def weights(self) -> Sequence[Floats]:
        """What is summed, in the order of `_Sums`."""
        labelled = np.isfinite(self.losses[0])
        losses = [np.where(labelled, each, 0.0) for each in self.losses]
        return (self.change, self.change**2, self.flip, *self.scores, labelled.astype(np.float64), *losses)


_CHANGE, _SQUARE, _FLIP, _CHAMPION, _CANDIDATE, _LABELLED, _CHAMPION_LOSS, _CANDIDATE_LOSS = range(8)


class SliceTally:
    """Sums by input and bin.

    Args:
        bins: By input's name.
    """

    def __init__(self, bins: Mapping[str, FeatureBins]) -> None:
        self._bins = {name: one for name, one in bins.items() if len(one.edges) + len(one.categories) > 1}
        self._rows = {name: np.zeros(one.size, dtype=np.int64) for name, one in self._bins.items()}
        self._sums = {name: np.zeros((8, one.size)) for name, one in self._bins.items()}
        self._all, self._change = 0, 0.0

    def add(self, rows: pa.Table, measured: Measured) -> None:
        """Add rows of the log."""
        weights = measured.weights
        self._all += rows.num_rows
        self._change += float(measured.change.sum())
        columns = {field_name(column): rows.column(at) for at, column in enumerate(rows.schema)}
        for name, bins in self._bins.items():
            column = columns.get(f"input.{name}")
            if column is not None and (places := _places(bins, column)) is not None:
                self._rows[name] += np.bincount(places, minlength=bins.size)
                sums = [np.bincount(places, weights=weight, minlength=bins.size) for weight in weights]
                self._sums[name] += sums

    def result(self) -> tuple[Slice, ...]:
        """Those that change more than all rows do, what surely changes most first."""
        if not self._all:
            return ()
        mean = self._change / self._all
        found = [one for one in self._each() if one.rows >= _FEWEST_ROWS and one.mean_change > mean]
        return tuple(sorted(found, key=lambda one: (-one.lower, one.column, one.value))[:_MOST_SLICES])

    def _each(self) -> Iterator[Slice]:
        for name, bins in self._bins.items():
            for at, value in enumerate(binning.names_of(bins)):
                if self._rows[name][at]:
                    yield _slice(name, value, int(self._rows[name][at]), self._sums[name][:, at].tolist())


def _slice(column: str, value: str, rows: int, sums: list[float]) -> Slice:
    mean = sums[_CHANGE] / rows
    deviation = sqrt(max(0.0, sums[_SQUARE] / rows - mean * mean))
    labelled = round(sums[_LABELLED])
    return Slice(
        column=column,
        value=value,
        rows=rows,
        mean_change=mean,
        lower=max(0.0, mean - _DEVIATIONS * deviation / sqrt(rows)),
        flip_share=_known(sums[_FLIP], rows),
        champion_mean=_known(sums[_CHAMPION], rows),
        candidate_mean=_known(sums[_CANDIDATE], rows),
        labelled=labelled,
        champion_loss=_known(sums[_CHAMPION_LOSS], labelled),
        candidate_loss=_known(sums[_CANDIDATE_LOSS], labelled),
    )


def _known(total: float, rows: int) -> float | None:
    return total / rows if rows and np.isfinite(total) else None


def _places(bins: FeatureBins, column: pa.ChunkedArray) -> NDArray[np.int64] | None:
    if bins.kind == "categorical":
        plain = pa.types.is_string(column.type) or pa.types.is_boolean(column.type)
        return binning.texts_in(bins, column) if plain else None
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        values = np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)
        return binning.numbers_in(bins, values)
    return None
