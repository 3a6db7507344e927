from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from interlock.domain.access import Key
from interlock.domain.contract import Contract, Field
from interlock.domain.endpoint import Endpoint
from interlock.domain.evidence import StepCounts
from interlock.domain.model import ModelVersion, Placement
from interlock.domain.release import Release, ReleasePlan
from interlock.domain.traffic import TrafficPlan
from interlock.releases.evidence import Evidence
from interlock.stats.log_histogram import SIZE, indices
from interlock.store import Store

NOW = datetime(2026, 1, 1, tzinfo=UTC)

BINARY = Contract(
    inputs=(Field(name="x", datatype="FP64"),),
    outputs=(Field(name="label", datatype="INT64"), Field(name="probabilities", datatype="FP64", shape=(2,))),
    task="binary",
    classes=(0, 1),
)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def contract() -> Contract:
    return BINARY


@pytest.fixture
def key() -> Key:
    return Key(name="ann", role="operator", digest="d", created_at=NOW)


@pytest.fixture
def version() -> Callable[..., ModelVersion]:
    """Makes `wine:N`."""

    def make(number: int, contract: Contract = BINARY, placement: Placement = "inline") -> ModelVersion:
        return ModelVersion(
            name="wine",
            version=number,
            digest="d",
            model_format="onnx",
            serving_digest="d",
            serving_format="onnx",
            placement=placement,
            contract=contract,
            created_at=NOW,
            created_by="ann",
        )

    return make


@pytest.fixture
def store(store_url: str, version: Callable[..., ModelVersion]) -> Iterator[Store]:
    """A store with endpoint `wine`, served by `wine:1`; `wine:2` and `wine:3` are registered."""
    store = Store(store_url)
    with store.transaction() as tx:
        for number in (1, 2, 3):
            tx.models.add(version(number))
        tx.endpoints.add(Endpoint(name="wine", created_at=NOW, created_by="ann"))
        tx.plans.append(TrafficPlan(endpoint="wine", generation=1, champion="wine:1"))
    yield store
    store.close()


@pytest.fixture
def release() -> Callable[..., Release]:
    """Makes a release of `wine:2`."""

    def make(**changes: Any) -> Release:
        fields = {
            "id": "wine-1",
            "endpoint": "wine",
            "strategy": "canary",
            "state": "running",
            "candidate": "wine:2",
            "champion": "wine:1",
            "plan": ReleasePlan(steps=(0.1, 0.5, 1.0)),
            "created_at": NOW,
            "created_by": "ann",
            "salt": "s",
        }
        return Release(**{**fields, **changes})

    return make


@pytest.fixture
def counts() -> Callable[..., StepCounts]:
    """Makes the counts of a side of a step; latencies are lognormal around `latency_ms`."""

    def make(step: int, is_challenger: bool, units: int, failed: int = 0, latency_ms: float = 2.0) -> StepCounts:
        rng = np.random.default_rng(units)
        latencies = rng.lognormal(np.log(latency_ms * 1000), 0.3, units)
        histogram = np.bincount(indices(latencies), minlength=SIZE)
        return StepCounts(
            release_id="wine-1",
            step=step,
            is_challenger=is_challenger,
            units=units,
            failed_units=failed,
            latency_counts=tuple(histogram.tolist()),
        )

    return make


@pytest.fixture
def evidence(release: Callable[..., Release]) -> Callable[..., Evidence]:
    """Makes evidence on a release of `wine:2`."""

    def make(
        counts: Sequence[StepCounts] = (),
        paired: pa.Table | None = None,
        *,
        contract: Contract = BINARY,
        has_labels: bool = True,
        unscorable: str = "",
        unlogged: str = "",
        **changes: Any,
    ) -> Evidence:
        empty = pa.table({})
        rows = empty if paired is None else paired
        return Evidence(release(**changes), tuple(counts), contract, has_labels, rows, None, unscorable, unlogged)

    return make


@pytest.fixture
def paired() -> Callable[..., pa.Table]:
    """Makes rows that both versions scored, one a minute, with labels `delay_minutes` later."""

    def make(
        labels: Sequence[Any],
        champion: Sequence[Any],
        challenger: Sequence[Any],
        *,
        output: str = "probabilities",
        delay_minutes: Any = 30.0,
        units: Sequence[str] | None = None,
        champion_status: Sequence[str] | None = None,
        challenger_status: Sequence[str] | None = None,
    ) -> pa.Table:
        rows = len(labels)
        start = int(NOW.timestamp() * 1e6)
        event = start + np.arange(rows) * 60_000_000
        observed = event + (np.broadcast_to(delay_minutes, rows) * 60e6).astype(np.int64)
        known = np.array([label is not None for label in labels], dtype=bool)
        time = pa.timestamp("us", tz="UTC")
        numbers = [float(label) if isinstance(label, int | float | np.number) else None for label in labels]
        return pa.table(
            {
                "prediction_id": [str(number) for number in range(rows)],
                "unit": list(units) if units is not None else [f"u{number}" for number in range(rows)],
                "event_at": pa.array(event, time),
                "step": pa.array([0] * rows, pa.int32()),
                "champion_status": list(champion_status or ["ok"] * rows),
                "challenger_status": list(challenger_status or ["ok"] * rows),
                f"champion.{output}": list(champion),
                f"challenger.{output}": list(challenger),
                "label": pa.array([None if label is None else str(label) for label in labels], pa.string()),
                "label_number": pa.array(numbers, pa.float64()),
                "observed_at": pa.array(observed, time, mask=~known),
            }
        )

    return make
