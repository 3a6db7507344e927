"""Label records become rows of the labels table. Called by the collector."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pyarrow as pa

from interlock.predictions.log_schema import LABELS
from interlock.predictions.records import Label, LabelsRecord


def convert(records: Sequence[LabelsRecord]) -> tuple[pa.Table, list[LabelsRecord]]:
    """Turn the labels of one endpoint into rows, in order; and the records that cannot be."""
    rows: list[dict[str, Any]] = []
    misfits = []
    for record in records:
        found = [_row(record, number, label) for number, label in enumerate(record.labels)]
        try:
            pa.Table.from_pylist(found, schema=LABELS)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            misfits.append(record)
        else:
            rows += found
    return pa.Table.from_pylist(rows, schema=LABELS), misfits


def text_of(label: Any) -> str:
    """A label as text, the way DuckDB and Arrow spell the same value of an output: `late`, `true`, `3`, `0.5`.

    Examples:
        >>> [text_of(value) for value in ("late", True, 3, 3.0, 0.5)]
        ['late', 'true', '3', '3', '0.5']
    """
    if isinstance(label, str):
        return label
    if isinstance(label, float) and label.is_integer():
        return str(int(label))
    return msgspec.json.encode(label).decode()


def _row(record: LabelsRecord, number: int, label: Label) -> dict[str, Any]:
    value = label.label
    return {
        "prediction_id": label.prediction_id,
        "request_id": label.request_id,
        "request_row": label.request_row,
        "label": msgspec.json.encode(value).decode(),
        "label_number": float(value) if isinstance(value, bool | int | float) else None,
        "label_text": text_of(value),
        "observed_at": label.observed_at_us,
        "at": record.at_us,
        "source": label.source,
        "weight": label.weight,
        "batch_row": number,
    }
