"""How much models of different age lose: each is taught up to another day, and asked about all stretches that follow.

Called by the process of an advice, with the rows that `dataset.read_all` wrote. They are read a stretch at a time.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from interlock.domain.contract import Contract
from interlock.domain.errors import InvalidInputError
from interlock.domain.model import ModelVersion
from interlock.learning import dataset, judging, rows
from interlock.learning.judging import Answered
from interlock.predictions.log_schema import TIME
from interlock.scoring.asking import AskedVersion

_DAY = 86_400 * 10**6
# Stretches on which more than the freshest model can be asked.
_MORE_STRETCHES = 3
# Means over so many rows are sure to a hundredth of their spread.
MOST_ROWS = 10_000
_FEWEST_ROWS = 50


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the log is cut.

    Args:
        events: Of all rows, microseconds since 1970, in order.
        edges: Ends of stretches, shape (stretches + 1,): rows of stretch `b` lie from edge `b` up to edge `b + 1`.
            Model `k` is taught up to edge `k`.
        window: How far back it is taught, in microseconds; None: from the beginning.
        models: How many.
    """

    events: NDArray[np.int64]
    edges: NDArray[np.int64]
    window: int | None
    models: int

    @classmethod
    def of(cls, events: NDArray[np.int64], window_days: float | None, models: int) -> "Grid":
        """Divide what follows the first window evenly.

        Raises:
            InvalidInputError: The log is too short.
        """
        first, last = int(events[0]), int(events[-1])
        window = None if window_days is None else round(window_days * _DAY)
        begin = first + (window if window is not None else (last - first) // 3)
        if begin >= last - models:
            raise InvalidInputError(
                f"labelled rows span {(last - first) / _DAY:.3g} days, and the first model alone takes "
                f"{(begin - first) / _DAY:.3g}; wait for more, or declare a shorter window"
            )
        edges = np.linspace(begin, last + 1, models + _MORE_STRETCHES + 1).astype(np.int64)
        return cls(events, edges, window, models)

    @property
    def stretches(self) -> int:
        return len(self.edges) - 1

    @property
    def stretch_days(self) -> float:
        return float(self.edges[1] - self.edges[0]) / _DAY

    def taught(self, model: int) -> tuple[int, int]:
        """The rows that teach a model: the first, and the one after the last."""
        until = int(self.edges[model])
        since = int(self.events[0]) if self.window is None else until - self.window
        return self._row(since), self._row(until)

    def asked(self, stretch: int) -> tuple[int, int]:
        """The rows of a stretch."""
        return self._row(int(self.edges[stretch])), self._row(int(self.edges[stretch + 1]))

    def _row(self, time: int) -> int:
        return int(np.searchsorted(self.events, time, side="left"))

    def check(self) -> None:
        """Raises InvalidInputError where a model or a stretch would have too few rows."""
        spans = [self.taught(model) for model in range(self.models)] + [self.asked(at) for at in range(self.stretches)]
        fewest = min(stop - start for start, stop in spans)
        if fewest < _FEWEST_ROWS:
            raise InvalidInputError(
                f"a stretch of {self.stretch_days:.3g} days has {fewest} labelled rows, at least {_FEWEST_ROWS} are "
                "needed; wait for more labels, or ask with fewer starts"
            )


@dataclass(frozen=True, slots=True)
class Losses:
    """Mean losses, one entry for each model and stretch that it was asked about, shape (n,)."""

    model: NDArray[np.int64]
    stretch: NDArray[np.int64]
    loss: NDArray[np.float64]

    def ages(self, grid: Grid) -> NDArray[np.float64]:
        """Days from the end of what a model was taught to the middle of the stretch."""
        return np.asarray((self.stretch - self.model + 0.5) * grid.stretch_days, dtype=np.float64)

    @property
    def fresh(self) -> NDArray[np.float64]:
        """Loss of the freshest model of each entry's stretch."""
        best = {int(at): self.model[self.stretch == at].max() for at in np.unique(self.stretch)}
        return np.array([self.loss[(self.stretch == at) & (self.model == best[int(at)])][0] for at in self.stretch])

    @property
    def behind(self) -> NDArray[np.int64]:
        """How many stretches older each entry's model is than the freshest one there."""
        best = {int(at): self.model[self.stretch == at].max() for at in np.unique(self.stretch)}
        return np.array([best[int(at)] - model for at, model in zip(self.stretch, self.model, strict=True)])


def events_of(path: Path) -> NDArray[np.int64]:
    """Times of all rows of a file, microseconds since 1970."""
    column = pq.read_table(path, columns=["event_at"])["event_at"]
    return np.asarray(column.cast(TIME).cast(pa.int64()).to_numpy(), dtype=np.int64)


def part(path: Path, start: int, stop: int, *, most: int | None = None) -> pa.Table:
    """Rows of a file from one to another; of more than `most` so many, evenly spread."""
    batches = list(dataset.between(pq.ParquetFile(path), start, stop))
    table = pa.Table.from_batches(batches) if batches else pq.read_schema(path).empty_table()
    if most is None or table.num_rows <= most:
        return table
    return table.take(pa.array(np.linspace(0, table.num_rows - 1, most).astype(np.int64)))


def ask(
    versions: list[ModelVersion], grid: Grid, contract: Contract, places: tuple[Path, Path], deadline_seconds: float,
    tell: Callable[[float, str], None],
) -> Losses:  # fmt: skip
    """Ask every model about the stretches after what it was taught, on rows that all models there could answer.

    Args:
        versions: Models 0, 1, ... of the grid.
        grid: Where the log is cut.
        contract: Of the champion.
        places: The file of all rows, and the folder of artifacts.
        deadline_seconds: How long an answer may take.
        tell: Is told how far it is.
    """
    path, artifacts = places
    found: dict[tuple[int, int], Answered] = {}
    for number, version in enumerate(versions):
        with closing(AskedVersion(version, artifacts, deadline_seconds)) as asked:
            for stretch in range(number, grid.stretches):
                table = part(path, *grid.asked(stretch), most=MOST_ROWS)
                answers = judging.ask(asked.ask, version.contract, table)
                found[number, stretch] = judging.answered(version.contract, rows.labelled(contract, table), answers)
        tell((number + 1) / len(versions), f"model {number + 1} of {len(versions)} was asked")
    return means(found)


def means(found: dict[tuple[int, int], Answered]) -> Losses:
    """Mean losses on the rows that all models of a stretch could answer.

    Args:
        found: By model and stretch.

    Raises:
        InvalidInputError: There are none.
    """
    entries = []
    for (model, stretch), answered in found.items():
        here = [each.usable for (_, other), each in found.items() if other == stretch]
        usable = np.logical_and.reduce(here)
        if usable.any():
            entries.append((model, stretch, float(answered.losses[usable].mean())))
    if not entries:
        raise InvalidInputError("no row was answered by all models")
    models, stretches, losses = zip(*entries, strict=True)
    return Losses(np.array(models), np.array(stretches), np.array(losses))
