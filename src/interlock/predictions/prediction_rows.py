"""Prediction records become rows: columns first, and a record that does not fit costs nobody else.

Called by the collector for the records of one version at a time, whose contract says the types.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from interlock.predictions.log_schema import EARLIEST_US, LATEST_US, PREDICTIONS, TIME, guess_type
from interlock.predictions.records import PredictionRecord

_DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class PredictionRows:
    """Rows of one version, with columns named by the contract, and the records that do not fit it."""

    table: pa.Table | None
    misfits: list[PredictionRecord]


def convert(records: Sequence[PredictionRecord], types: Mapping[str, pa.DataType]) -> PredictionRows:
    """Turn records of one version into rows, in order.

    Args:
        records: At least one.
        types: Type by `input.<name>` and `output.<name>`; a field that is not among them goes by its values.
    """
    try:
        return PredictionRows(_table(records, types), [])
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        if len(records) == 1:
            return PredictionRows(None, list(records))
    # Halving finds the few that do not fit without converting the others one by one.
    middle = len(records) // 2
    halves = convert(records[:middle], types), convert(records[middle:], types)
    tables = [half.table for half in halves if half.table is not None]
    table = pa.concat_tables(tables, promote_options="permissive") if tables else None
    return PredictionRows(table, halves[0].misfits + halves[1].misfits)


def _table(records: Sequence[PredictionRecord], types: Mapping[str, pa.DataType]) -> pa.Table:
    counts = np.array([len(record.prediction_ids) for record in records])
    columns = _base(records, counts)
    for side, values in (("input", [r.inputs for r in records]), ("output", [r.outputs for r in records])):
        for name in dict.fromkeys(name for each in values for name in each):
            column = _flatten(values, name, counts)
            kind = types.get(f"{side}.{name}")
            columns[f"{side}.{name}"] = _array(column, guess_type(column) if kind is None else kind)
    return pa.table(columns)


def _base(records: Sequence[PredictionRecord], counts: NDArray[np.int64]) -> dict[str, Any]:
    event_at = _event_times(records, counts)
    assignments = [record.assignment for record in records]
    of_request: dict[str, list[Any]] = {
        "request_id": [record.request_id for record in records],
        "at": [record.at_us for record in records],
        "assigned_version": [a.assigned_version for a in assignments],
        "version": [record.version for record in records],
        "role": [record.role for record in records],
        "attempt_status": [a.attempt_status for a in assignments],
        "release_id": [a.release_id for a in assignments],
        "step": [a.step for a in assignments],
        "unit": [a.unit for a in assignments],
        "propensity": [a.propensity for a in assignments],
        "latency_us": [record.latency_us for record in records],
        "model_us": [record.model_us for record in records],
        "rows_in_batch": counts.tolist(),
    }
    repeated = np.repeat(np.arange(len(records)), counts) if (counts != 1).any() else None
    columns: dict[str, Any] = {
        "prediction_id": pa.array([name for record in records for name in record.prediction_ids], pa.string()),
        "request_row": pa.array(np.concatenate([np.arange(count, dtype=np.int32) for count in counts])),
        "event_at": pa.array(event_at, pa.int64()).cast(TIME),
        "date": pa.array((event_at // _DAY_US).astype(np.int32)).cast(pa.date32()),
    }
    for name, values in of_request.items():
        array = pa.array(values, PREDICTIONS.field(name).type)
        columns[name] = array if repeated is None else array.take(pa.array(repeated))
    return {name: columns[name] for name in PREDICTIONS.names}


def _event_times(records: Sequence[PredictionRecord], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    times: list[int] = []
    for record, count in zip(records, counts.tolist(), strict=True):
        given = record.event_at_us or [record.at_us]
        times += given if len(given) == count else given * count
    found = np.array(times, dtype=np.int64)
    if len(found) != counts.sum():
        raise ValueError("event_at_us must hold one time, or one for each row")
    if ((found < EARLIEST_US) | (found > LATEST_US)).any():
        raise ValueError("event_at_us must lie in the years 1900 to 2200")
    return found


def _flatten(values: Sequence[Mapping[str, list[Any]]], name: str, counts: NDArray[np.int64]) -> list[Any]:
    column: list[Any] = []
    for each, count in zip(values, counts.tolist(), strict=True):
        found = each.get(name)
        if found is not None and len(found) != count:
            raise ValueError(f"{name!r} has {len(found)} values for {count} rows")
        column += [None] * count if found is None else found
    return column


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_integer(kind) and not set(map(type, values)) <= {int, type(None)}:
        # Arrow would cut 1.5 to 1 without a word.
        raise TypeError("an integer column holds something else")
    return pa.array(values, kind, from_pandas=True)
