"""Records of predictions, as a gateway writes them: one request each, whose every name says its number."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from interlock.predictions import parts
from interlock.predictions.records import Assignment, PredictionRecord

START_US = 1_365_000_000_000_000

_ASSIGNED = Assignment(
    release_id=None, step=None, assigned_version="m:1", is_challenger=False, attempt_status="ok", propensity=1.0
)


def prediction(
    number: int = 0,
    *,
    rows: int = 1,
    assigned: dict[str, Any] | None = None,
    inputs: Mapping[str, list[Any]] | None = None,
    outputs: Mapping[str, list[Any]] | None = None,
    unit: str | None = None,
    latency_us: int = 900,
    **changes: Any,
) -> PredictionRecord:
    """A request of `rows` rows that `m:1` answered, a second later for each `number`.

    Args:
        assigned: Fields of its assignment.
        inputs, outputs: Columns.
        unit: The sticky key, if it sent one.
        changes: Other fields of the record.
    """
    if inputs is None:
        inputs = {"x": [float(number)] * rows, "kind": ["red"] * rows}
    if outputs is None:
        outputs = {"label": [True] * rows, "probabilities": [[0.25, 0.75]] * rows}
    record = PredictionRecord(
        endpoint="wine",
        version="m:1",
        role="champion",
        assignment=msgspec.structs.replace(_ASSIGNED, **(assigned or {})),
        at_us=START_US + number * 1_000_000,
        model_us=100,
        prediction_ids=[f"p{number}-{row}" for row in range(rows)],
        request_ids=[f"q{number}"],
        units=[unit],
        latencies_us=[latency_us],
        inputs=packed(inputs),
        outputs=packed(outputs),
        rows=None if rows == 1 else [rows],
    )
    return msgspec.structs.replace(record, **changes)


def packed(columns: Mapping[str, list[Any]]) -> list[parts.Part]:
    """Columns as parts: numbers and truth values as arrays, everything else as it is."""
    return parts.pack({name: _array(values) for name, values in columns.items()})


def _array(values: list[Any]) -> NDArray[Any]:
    kinds = {type(value) for value in values}
    if kinds <= {str, type(None)} or not kinds <= {int, float, bool, list}:
        return np.array([*values, None], dtype=object)[:-1]
    return np.array(values)
