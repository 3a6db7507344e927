"""Prediction records become rows: columns first, and a record that does not fit costs nobody else.

Called by the collector for the records of one version at a time, whose contract says the types.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import prod
from typing import Any, Protocol, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from interlock.predictions import parts
from interlock.predictions.log_schema import EARLIEST_US, LATEST_US, PREDICTIONS, TIME, guess_type
from interlock.predictions.parts import HASHED, LoggedImage, Part
from interlock.predictions.records import PredictionRecord

_DAY_US = 86_400_000_000

_Columns: TypeAlias = dict[str, pa.Array]


@dataclass(frozen=True, slots=True)
class PredictionRows:
    """Rows of one version, with columns named by the contract, and the records that do not fit it."""

    table: pa.Table | None
    misfits: list[PredictionRecord]


class Images(Protocol):
    """Where images go. `image_log.ImageLog` is the one there is."""

    def columns(self, endpoint: str, name: str, images: Sequence[LoggedImage | None], ids: Sequence[str]) -> _Columns:
        """Keep the images that the log keeps.

        Args:
            endpoint: Whose.
            name: `input.<name>`.
            images: One a row.
            ids: Prediction ids of the rows.

        Returns:
            The file's name of each, and the columns of descriptors.
        """


def convert(
    records: Sequence[PredictionRecord], types: Mapping[str, pa.DataType], images: Images | None = None
) -> PredictionRows:
    """Turn records of one version into rows, in order.

    Args:
        records: At least one.
        types: Type by `input.<name>` and `output.<name>`; a field that is not among them goes by its values.
        images: Where images go; None leaves them out, for who only counts.
    """
    try:
        return PredictionRows(_table(records, types, images), [])
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        if len(records) == 1:
            return PredictionRows(None, list(records))
    # Halving finds the few that do not fit without converting the others one by one.
    middle = len(records) // 2
    halves = convert(records[:middle], types, images), convert(records[middle:], types, images)
    tables = [half.table for half in halves if half.table is not None]
    table = pa.concat_tables(tables, promote_options="permissive") if tables else None
    return PredictionRows(table, halves[0].misfits + halves[1].misfits)


def _table(records: Sequence[PredictionRecord], types: Mapping[str, pa.DataType], images: Images | None) -> pa.Table:
    columns = _base(records)
    for side, given in (("input", [r.inputs for r in records]), ("output", [r.outputs for r in records])):
        for name, values in _columns(given, [len(record.prediction_ids) for record in records]):
            if _are_images(values):
                if images is not None:
                    ids = columns["prediction_id"].to_pylist()
                    columns |= images.columns(records[0].endpoint, f"{side}.{name}", values, ids)
                continue
            kind = pa.string() if name.endswith(HASHED) else types.get(f"{side}.{name}")
            columns[f"{side}.{name}"] = _array(values, kind)
    return pa.table(columns)


def _are_images(values: Any) -> bool:
    return isinstance(values, list) and isinstance(next((one for one in values if one is not None), None), LoggedImage)


def _base(records: Sequence[PredictionRecord]) -> dict[str, Any]:
    counts = _counts(records)
    rows_of_records = [len(record.prediction_ids) for record in records]
    firsts = np.concatenate(([0], np.cumsum(counts)[:-1]))
    ids = pa.array(list(chain.from_iterable(record.prediction_ids for record in records)), pa.string())
    # Most requests have one row, and are as many as the rows.
    row_of_request = None if len(ids) == len(counts) else pa.array(np.repeat(np.arange(len(counts)), counts))
    first_ids = ids if row_of_request is None else ids.take(pa.array(firsts))
    assignments = [record.assignment for record in records]
    of_record: dict[str, list[Any]] = {
        "at": [record.at_us for record in records],
        "assigned_version": [a.assigned_version for a in assignments],
        "version": [record.version for record in records],
        "role": [record.role for record in records],
        "attempt_status": [a.attempt_status for a in assignments],
        "release_id": [a.release_id for a in assignments],
        "step": [a.step for a in assignments],
        "propensity": [a.propensity for a in assignments],
        "model_us": [record.model_us for record in records],
        "withheld": [record.withheld for record in records],
    }
    latencies = list(chain.from_iterable(record.latencies_us for record in records))
    of_request: dict[str, pa.Array] = {
        "request_id": _or_first(chain.from_iterable(record.request_ids for record in records), first_ids),
        "unit": _or_first(chain.from_iterable(record.units for record in records), first_ids),
        "latency_us": pa.array(latencies, PREDICTIONS.field("latency_us").type),
        "rows_in_batch": pa.array(counts, PREDICTIONS.field("rows_in_batch").type),
    }
    event_at = _event_times(records, np.array(rows_of_records))
    columns: dict[str, Any] = {
        "prediction_id": ids,
        "request_row": pa.array((np.arange(len(ids)) - np.repeat(firsts, counts)).astype(np.int32)),
        "event_at": pa.array(event_at, pa.int64()).cast(TIME),
        "date": pa.array((event_at // _DAY_US).astype(np.int32)).cast(pa.date32()),
    }
    # A record's facts are few and repeated often: as dictionaries until the last moment.
    row_of_record = pa.array(np.repeat(np.arange(len(records)), rows_of_records))
    for name, values in of_record.items():
        columns[name] = pa.array(values, PREDICTIONS.field(name).type).take(row_of_record)
    for name, of_each in of_request.items():
        columns[name] = of_each if row_of_request is None else of_each.take(row_of_request)
    return {name: columns[name] for name in PREDICTIONS.names}


def _counts(records: Sequence[PredictionRecord]) -> NDArray[np.int64]:
    """Rows of each request."""
    counts: list[int] = []
    for record in records:
        counts += [1] * len(record.request_ids) if record.rows is None else record.rows
    return np.array(counts, dtype=np.int64)


def _or_first(names: Iterable[str | None], first_ids: pa.Array) -> pa.Array:
    """Names of requests, by the id of their first row where they have none."""
    given = list(names)
    if given.count(None) == len(given):
        return first_ids
    return pc.coalesce(pa.array(given, pa.string()), first_ids)


def _event_times(records: Sequence[PredictionRecord], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    found = np.repeat(np.array([record.at_us for record in records], dtype=np.int64), rows)
    at = 0
    for record, count in zip(records, rows.tolist(), strict=True):
        if record.event_at_us is not None:
            found[at : at + count] = record.event_at_us
        at += count
    if ((found < EARLIEST_US) | (found > LATEST_US)).any():
        raise ValueError("event_at_us must lie in the years 1900 to 2200")
    return found


def _columns(given: Sequence[list[Part]], rows: Sequence[int]) -> Iterator[tuple[str, Any]]:
    """The columns of all records: joined where all have the same parts, else each for itself with gaps."""
    if all(_are_alike(each, given[0]) for each in given):
        for same in zip(*given, strict=True):
            yield from parts.unpack(same, sum(rows))
        return
    if len(given) == 1:
        raise ValueError("a record of parts that cannot be read")
    names: dict[str, None] = {}
    each = [dict(_columns([one], [count])) for one, count in zip(given, rows, strict=True)]
    for columns in each:
        names |= dict.fromkeys(columns)
    for name in names:
        filled = [
            columns[name] if name in columns else [None] * count for columns, count in zip(each, rows, strict=True)
        ]
        yield name, list(chain.from_iterable(v.tolist() if isinstance(v, np.ndarray) else v for v in filled))


def _are_alike(some: Sequence[Part], others: Sequence[Part]) -> bool:
    return len(some) == len(others) and all(map(parts.are_alike, some, others))


def _array(values: NDArray[Any] | list[Any], kind: pa.DataType | None) -> pa.Array:
    if isinstance(values, list):
        kind = guess_type(values) if kind is None else kind
        if pa.types.is_integer(kind) and not set(map(type, values)) <= {int, type(None)}:
            # Arrow would cut 1.5 to 1 without a word.
            raise TypeError("an integer column holds something else")
        return pa.array(values, kind, from_pandas=True)
    flat = np.ascontiguousarray(values.reshape(-1))
    # A sum is NaN only if one of them is, or they are infinite and cancel out: then Arrow looks for itself.
    may_lack = flat.dtype.kind == "f" and bool(np.isnan(flat.sum()))
    array = pa.array(flat, from_pandas=may_lack)
    kind = _list_type(array.type, values.ndim - 1) if kind is None else kind
    return _nested(array, values.shape, kind)


def _list_type(kind: pa.DataType, depth: int) -> pa.DataType:
    for _ in range(depth):
        kind = pa.list_(kind)
    return kind


def _nested(flat: pa.Array, shape: tuple[int, ...], kind: pa.DataType) -> pa.Array:
    """Lists of lists, from their values in order. `shape` has the rows first."""
    kinds = [kind]
    while pa.types.is_list(kinds[-1]):
        kinds.append(kinds[-1].value_type)
    if len(kinds) != len(shape) or (pa.types.is_integer(kinds[-1]) and pa.types.is_floating(flat.type)):
        raise TypeError(f"a value of shape {shape[1:]} and type {flat.type} is no {kind}")
    array = flat.cast(kinds[-1])
    for depth in range(len(shape) - 1, 0, -1):
        lists = np.arange(prod(shape[:depth]) + 1, dtype=np.int32)
        array = pa.ListArray.from_arrays(pa.array(lists * shape[depth]), array, type=kinds[depth - 1])
    return array
