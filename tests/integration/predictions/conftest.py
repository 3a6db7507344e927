"""A home with a store, a registered version with a profile, spools, and a collector to pass over them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from interlock.domain.contract import Contract, Field
from interlock.domain.model import ModelVersion
from interlock.predictions.collector import Collector
from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.reader import LogReader
from interlock.predictions.reconcile import reconcile
from interlock.predictions.reconciliation import Reconciliation
from interlock.predictions.records import (
    Assignment,
    Decision,
    DecisionsRecord,
    Label,
    LabelsRecord,
    PredictionRecord,
    Reward,
    RewardsRecord,
    encoder,
)
from interlock.predictions.spool import Spool
from interlock.settings import Settings
from interlock.stats.profile_bins import ProfileSpec, learn
from interlock.store import Store

START_US = 1_365_000_000_000_000
CONTRACT = Contract(
    inputs=(Field(name="x", datatype="FP64", nullable=True), Field(name="kind", datatype="BYTES")),
    outputs=(Field(name="label", datatype="BOOL"), Field(name="probabilities", datatype="FP64", shape=(2,))),
    task="binary",
    classes=(False, True),
)


def bins() -> ProfileSpec:
    columns: dict[str, Any] = {"x": np.arange(100.0), "kind": ["red", "white"] * 50}
    return learn(columns, {"x": "numeric", "kind": "categorical"})


def version(number: int, contract: Contract = CONTRACT) -> ModelVersion:
    return ModelVersion(
        name="m",
        version=number,
        digest="0" * 64,
        model_format="onnx",
        serving_digest="0" * 64,
        serving_format="onnx",
        placement="inline",
        contract=contract,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        created_by="test",
        profile={"spec": bins().to_dict()},
    )


def prediction(
    number: int, *, rows: int = 1, assigned: dict[str, Any] | None = None, **changes: Any
) -> PredictionRecord:
    """A record whose every name says its number."""
    assignment = Assignment(None, None, "m:1", False, "ok", f"u{number}", False, 1.0)
    record = PredictionRecord(
        endpoint="wine",
        at_us=START_US + number * 1_000_000,
        request_id=f"q{number}",
        prediction_ids=[f"p{number}-{row}" for row in range(rows)],
        assignment=msgspec.structs.replace(assignment, **(assigned or {})),
        version="m:1",
        role="champion",
        latency_us=900,
        model_us=100,
        inputs={"x": [float(number)] * rows, "kind": ["red"] * rows},
        outputs={"label": [True] * rows, "probabilities": [[0.25, 0.75]] * rows},
    )
    return msgspec.structs.replace(record, **changes)


def labels(*given: Label, at_us: int = START_US, endpoint: str = "wine") -> LabelsRecord:
    return LabelsRecord(endpoint, at_us, list(given))


def label(name: str, value: Any, *, source: str = "natural") -> Label:
    return Label(name, None, 0, value, START_US, source)


def decided(name: str, decision: Any, *, at_us: int = START_US) -> DecisionsRecord:
    return DecisionsRecord("wine", at_us, [Decision(name, None, 0, decision, START_US)])


def rewarded(name: str, values: dict[str, float], *, at_us: int = START_US) -> RewardsRecord:
    return RewardsRecord(
        "wine", at_us, [Reward(name, None, 0, each, value, START_US) for each, value in values.items()]
    )


def write(spool: Spool, *records: Any) -> None:
    for record in records:
        rows = len(record.prediction_ids) if isinstance(record, PredictionRecord) else 0
        spool.append(encoder.encode(record), rows=rows, endpoint=record.endpoint)


@dataclass
class Home:
    settings: Settings
    store: Store
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    @property
    def log(self) -> DeltaLog:
        return DeltaLog(self.settings.log)

    @property
    def reader(self) -> LogReader:
        return LogReader(self.settings.log)

    def collector(self) -> Collector:
        """One that knows nothing yet, as after a restart."""
        return Collector(self.settings.spools, self.settings.log, self.store, lambda: self.now)

    def spool(self, slot: str = "gw0") -> Spool:
        return Spool(self.settings.spools / slot)

    def collect(self, *records: Any, slot: str = "gw0") -> None:
        """Write to a spool and bring it all to the log."""
        with self.spool(slot) as spool:
            write(spool, *records)
        self.collector().step(commit_all=True)

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def logged(self) -> list[str]:
        _, rows = self.reader.new_rows("wine", None)
        return sorted(rows["prediction_id"].to_pylist())

    def sums(self, endpoint: str = "wine") -> Reconciliation:
        return reconcile(self.settings, self.store)[endpoint]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    settings = Settings(home=tmp_path)
    settings.spools.mkdir()
    store = Store.open(settings.database_url)
    with store.transaction() as tx:
        tx.models.add(version(1))
        tx.models.add(version(2))
    yield Home(settings, store)
    store.close()
