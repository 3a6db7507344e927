"""Labels, decisions and rewards become rows of their tables. Called by the collector, for one kind at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa

from interlock.predictions.delta_log import Kind
from interlock.predictions.log_schema import DECISIONS, LABELS, REWARDS
from interlock.predictions.records import (
    Decision,
    DecisionsRecord,
    FeedbackRecord,
    Label,
    LabelsRecord,
    Reward,
    RewardsRecord,
)


@dataclass(frozen=True, slots=True)
class FeedbackRows:
    """Rows of one kind and endpoint, in order, and the records that cannot be rows."""

    kind: Kind
    table: pa.Table
    misfits: list[FeedbackRecord]


class _Form(NamedTuple):
    kind: Kind
    schema: pa.Schema
    rows: Callable[[Any], list[dict[str, Any]]]


def convert(records: Sequence[FeedbackRecord]) -> FeedbackRows:
    """Turn records of one type and one endpoint into rows.

    Args:
        records: At least one.
    """
    kind, schema, rows_of = _FORMS[type(records[0])]
    rows: list[dict[str, Any]] = []
    misfits = []
    for record in records:
        try:
            found = rows_of(record)
            pa.Table.from_pylist(found, schema=schema)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            misfits.append(record)
        else:
            rows += found
    return FeedbackRows(kind, pa.Table.from_pylist(rows, schema=schema), misfits)


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


def _labels(record: LabelsRecord) -> list[dict[str, Any]]:
    return [
        {**_key(record.at_us, number, label), **_value("label", label.label)}
        for number, label in enumerate(record.labels)
    ]


def _decisions(record: DecisionsRecord) -> list[dict[str, Any]]:
    return [
        {**_key(record.at_us, number, decision), **_value("decision", decision.decision)}
        for number, decision in enumerate(record.decisions)
    ]


def _rewards(record: RewardsRecord) -> list[dict[str, Any]]:
    return [
        {**_key(record.at_us, number, reward), "name": reward.name, "value": reward.value}
        for number, reward in enumerate(record.rewards)
    ]


def _key(at_us: int, number: int, given: Label | Decision | Reward) -> dict[str, Any]:
    return {
        "prediction_id": given.prediction_id,
        "request_id": given.request_id,
        "request_row": given.request_row,
        "observed_at": given.observed_at_us,
        "at": at_us,
        "source": given.source,
        "weight": given.weight,
        "batch_row": number,
    }


def _value(name: str, value: Any) -> dict[str, Any]:
    return {
        name: msgspec.json.encode(value).decode(),
        f"{name}_number": float(value) if isinstance(value, bool | int | float) else None,
        f"{name}_text": text_of(value),
    }


_FORMS: dict[type[FeedbackRecord], _Form] = {
    LabelsRecord: _Form("labels", LABELS, _labels),
    DecisionsRecord: _Form("decisions", DECISIONS, _decisions),
    RewardsRecord: _Form("rewards", REWARDS, _rewards),
}
