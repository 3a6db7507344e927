from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.unit.releases.world import BINARY, NOW, furnish, make_version, paired_rows

from interlock.domain.access import Key
from interlock.domain.contract import Contract
from interlock.domain.evidence import StepCounts
from interlock.domain.model import ModelVersion
from interlock.domain.release import Release, ReleasePlan
from interlock.releases.evidence import Evidence
from interlock.stats.log_histogram import SIZE, indices
from interlock.store import Store


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
    return make_version


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """A store with endpoint `wine`, served by `wine:1`; `wine:2` and `wine:3` are registered."""
    store = Store(store_url)
    furnish(store)
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
        return Evidence(release(**changes), NOW, tuple(counts), contract, has_labels, rows, None, unscorable, unlogged)

    return make


@pytest.fixture
def paired() -> Callable[..., pa.Table]:
    """Makes rows that both versions scored, one a minute, with labels `delay_minutes` later."""
    return paired_rows
