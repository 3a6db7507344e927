"""What a replay computes, on its way into the scores table: a commit for every few hundred thousand rows.

Called by replays. Scores of a replay have its id in `replay_id` and no release: nothing that decides a release reads
them. Rows that the candidate was not asked for have none.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from interlock.domain.contract import Contract
from interlock.domain.errors import ConflictError
from interlock.domain.model import ModelVersion
from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.log_schema import SCORES, field_types, place

_log = logging.getLogger(__name__)

# A commit costs some 30 ms and a file; so many rows are some 20 MB.
_ROWS = 250_000
_ATTEMPTS = 5


class ReplayScores:
    """Writes scores of one replay.

    Args:
        log: The log.
        endpoint: Whose.
        replay_id: Which replay.
        version: The candidate.
        unlogged: Outputs that privacy rules keep out of the log, and so out of the scores.
        clock: The time now, aware UTC.
    """

    def __init__(
        self,
        log: DeltaLog,
        endpoint: str,
        replay_id: str,
        version: ModelVersion,
        *,
        unlogged: frozenset[str],
        clock: Callable[[], datetime],
    ) -> None:
        self._log, self._endpoint, self._id, self._version = log, endpoint, replay_id, version
        self._unlogged, self._clock = unlogged, clock
        self._waiting: list[pa.Table] = []
        self._commits = 0

    def add(self, ids: pa.ChunkedArray, status: NDArray[np.object_], outputs: Mapping[str, NDArray[Any]]) -> None:
        """Add rows that the candidate was asked for; `outputs` has a value for each that is `ok`, in order."""
        rows = len(status)
        answered = status == "ok"
        columns: dict[str, Any] = {
            "prediction_id": ids,
            "version": _constant(self._version.ref, rows),
            "release_id": pa.nulls(rows, pa.string()),
            "status": pa.array(status.tolist(), pa.string()) if not answered.all() else _constant("ok", rows),
            "at": pa.repeat(pa.scalar(self._clock(), SCORES.field("at").type), rows),
            "replay_id": _constant(self._id, rows),
        }
        for name, kind in _outputs(self._version.contract):
            if name not in self._unlogged and name in outputs:
                columns[f"output.{name}"] = _spread(_array(outputs[name], kind), answered)
        self._waiting.append(pa.table(columns))
        if sum(part.num_rows for part in self._waiting) >= _ROWS:
            self.flush()

    def flush(self) -> None:
        """Commit what waits.

        Raises:
            ConflictError: Others changed the table's columns again and again.
        """
        if not self._waiting:
            return
        rows, self._waiting = pa.concat_tables(self._waiting, promote_options="default"), []
        self._commits += 1
        for attempt in range(_ATTEMPTS):
            placed = place(self._log.schema("scores", self._endpoint), rows.schema)
            table = pa.Table.from_arrays(rows.columns, schema=placed)
            try:
                self._log.append("scores", self._endpoint, table, {f"replay:{self._id}": self._commits})
            except ConflictError as error:
                if attempt == _ATTEMPTS - 1:
                    raise
                _log.warning("scores of %s are tried again: %s", self._id, error)
            else:
                return


def _outputs(contract: Contract) -> Sequence[tuple[str, pa.DataType]]:
    return [
        (name.removeprefix("output."), kind)
        for name, kind in field_types(contract).items()
        if name.startswith("output.")
    ]


def _constant(value: str, rows: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, pa.string()), rows)


def _array(values: NDArray[Any], kind: pa.DataType) -> pa.Array:
    """One column as the table has it: numbers and rows of numbers without a Python object for each."""
    if values.ndim == 2 and values.dtype.kind in "fiu" and pa.types.is_list(kind):
        offsets = np.arange(0, values.size + 1, values.shape[1], dtype=np.int32)
        flat = pa.array(np.ascontiguousarray(values).reshape(-1)).cast(kind.value_type)
        return pa.ListArray.from_arrays(offsets, flat).cast(kind)
    if values.ndim == 1 and values.dtype.kind in "fiub":
        return pa.array(values).cast(kind)
    return pa.array([_plain(value) for value in values], kind, from_pandas=True)


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _spread(values: pa.Array, answered: NDArray[np.bool_]) -> pa.Array:
    """With null for the rows that were not answered."""
    if len(values) == len(answered):
        return values
    places = np.cumsum(answered) - 1
    return values.take(pa.array(places, mask=~answered))
