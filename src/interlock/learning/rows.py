"""Rows of a run as arrays: labels, times and units, for judging and for the naive baselines."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from interlock.domain.contract import Contract
from interlock.learning import truth
from interlock.predictions.log_schema import TIME


@dataclass(frozen=True, slots=True)
class Labelled:
    """Rows of one side.

    Args:
        labels: Index of the class, or the number; shape (n,).
        events, observed: Microseconds since 1970, shape (n,).
        units: Number of each row's unit, shape (n,).
    """

    labels: NDArray[Any]
    events: NDArray[np.int64]
    observed: NDArray[np.int64]
    units: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.events)


def labelled(contract: Contract, rows: pa.Table) -> Labelled:
    """The facts of rows that `dataset` wrote."""
    column = rows["label"]
    labels = truth.indices(contract, column) if contract.is_classifier else column.to_numpy()
    units = rows["unit"].combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
    return Labelled(labels, _micros(rows["event_at"]), _micros(rows["observed_at"]), np.asarray(units, dtype=np.int64))


def read_labelled(contract: Contract, path: Path) -> Labelled:
    """The same of a file, without its inputs."""
    return labelled(contract, pq.read_table(path, columns=["label", "event_at", "observed_at", "unit"]))


def newest(path: Path, most: int) -> pa.Table:
    """The last rows of a file, which is in order of events: all of it where it has no more."""
    file = pq.ParquetFile(path)
    groups: list[int] = []
    found = 0
    for at in reversed(range(file.num_row_groups)):
        groups.insert(0, at)
        found += file.metadata.row_group(at).num_rows
        if found >= most:
            break
    table = file.read_row_groups(groups) if groups else file.read()
    return table.slice(max(0, table.num_rows - most))


def _micros(times: pa.ChunkedArray) -> NDArray[np.int64]:
    return np.asarray(times.cast(TIME).cast(pa.int64()).to_numpy(), dtype=np.int64)
