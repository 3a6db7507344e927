"""Tables of a log with small rows, for tests of what upkeep does to them."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from interlock.predictions.delta_log import DeltaLog, Kind
from interlock.predictions.log_schema import FIELD_NAME, LABELS, PREDICTIONS, TIME

_INPUT = pa.field("input.x", pa.list_(pa.float64()), metadata={FIELD_NAME: b"input.X"})


def predictions(numbers: Iterable[int], day: date = date(2026, 1, 1), unit: str | None = None) -> pa.Table:
    """Rows p0, p1, ... of units u0 to u4, or of one unit."""
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    rows: list[dict[str, Any]] = [
        {
            "prediction_id": f"p{number}",
            "request_id": f"q{number}",
            "request_row": 0,
            "at": at,
            "event_at": at,
            "unit": unit or f"u{number % 5}",
            "propensity": 0.1 * number,
            "date": day,
            "input.x": [number / 3, None] if number % 2 else None,
        }
        for number in numbers
    ]
    return pa.Table.from_pylist(rows, schema=pa.schema([*PREDICTIONS, _INPUT]))


def labels(numbers: Iterable[int], day: date = date(2026, 1, 1), *, by_request: bool = False) -> pa.Table:
    """Labels of the predictions of these numbers, by prediction id or by the caller's request."""
    at = datetime(day.year, day.month, day.day, 18, tzinfo=UTC)
    rows = [
        {
            "prediction_id": None if by_request else f"p{number}",
            "request_id": f"q{number}" if by_request else None,
            "request_row": 0,
            "label": "true",
            "label_text": "true",
            "observed_at": at,
            "at": at,
            "source": "natural",
            "weight": 1.0,
            "batch_row": 0,
        }
        for number in numbers
    ]
    return pa.Table.from_pylist(rows, schema=LABELS)


def scores(numbers: Iterable[int], day: date = date(2026, 1, 1)) -> pa.Table:
    """Scores of the predictions of these numbers."""
    at = datetime(day.year, day.month, day.day, 13, tzinfo=UTC)
    rows = [{"prediction_id": f"p{number}", "version": "m:2", "status": "ok", "at": at} for number in numbers]
    schema = pa.schema(
        [("prediction_id", pa.string()), ("version", pa.string()), ("status", pa.string()), ("at", TIME)]
    )
    return pa.Table.from_pylist(rows, schema=schema)


def content(log: DeltaLog, kind: Kind = "predictions", endpoint: str = "wine") -> pa.Table:
    """All rows, in the order of their ids."""
    table = log.table(kind, endpoint)
    assert table is not None
    return sorted_rows(pa.table(table.to_pyarrow_table()))


def sorted_rows(rows: pa.Table) -> pa.Table:
    """Rows in the order of their ids, columns by name."""
    return rows.select(sorted(rows.column_names)).sort_by("prediction_id").combine_chunks()


def digest(rows: pa.Table) -> str:
    """SHA-256 over every bit of the values, whatever files they were in."""
    sink = pa.BufferOutputStream()
    plain = sorted_rows(rows).replace_schema_metadata(None)
    with pa.ipc.new_stream(sink, plain.schema) as writer:
        writer.write_table(plain)
    return hashlib.sha256(sink.getvalue()).hexdigest()


def data_files(log: DeltaLog, kind: Kind = "predictions", endpoint: str = "wine") -> set[Path]:
    """Data files on the disk, wanted or not."""
    return set(log.path(kind, endpoint).rglob("*.parquet")) - set(log.path(kind, endpoint).glob("_delta_log/*"))
