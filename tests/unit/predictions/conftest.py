"""Records as a gateway makes them."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from interlock.predictions.records import Assignment, PredictionRecord

AT_US = 1_365_000_000_000_000

ASSIGNED = Assignment(
    release_id="r1",
    step=0,
    assigned_version="m:1",
    is_challenger=False,
    attempt_status="ok",
    unit="u",
    keyed=False,
    propensity=0.9,
)


def make(number: int = 0, *, rows: int = 1, assigned: dict[str, Any] | None = None, **changes: Any) -> PredictionRecord:
    record = PredictionRecord(
        endpoint="wine",
        at_us=AT_US + number,
        request_id=f"q{number}",
        prediction_ids=[f"p{number}-{row}" for row in range(rows)],
        assignment=msgspec.structs.replace(ASSIGNED, **(assigned or {})),
        version="m:1",
        role="champion",
        latency_us=900,
        model_us=100,
        inputs={"x": [float(number)] * rows, "kind": ["red"] * rows},
        outputs={"label": [True] * rows, "probabilities": [[0.25, 0.75]] * rows},
    )
    return msgspec.structs.replace(record, **changes)


@pytest.fixture
def record() -> Callable[..., PredictionRecord]:
    """Makes a record: `record(3, rows=2, assigned={"keyed": True}, latency_us=5)`."""
    return make
