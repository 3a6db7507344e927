"""A home with a store, a registered version with a profile, spools, and a collector to pass over them."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pytest
from tests.prediction_records import START_US

from interlock.domain.contract import Contract, Field
from interlock.domain.model import ModelVersion
from interlock.predictions.collector import Collector
from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.reader import LogReader
from interlock.predictions.reconcile import reconcile
from interlock.predictions.reconciliation import Reconciliation
from interlock.predictions.records import (
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
def make_home(tmp_path: Path) -> Iterator[Callable[[], Home]]:
    """Makes homes, each in a folder of its own."""
    with contextlib.ExitStack() as closing:

        def make() -> Home:
            settings = Settings(home=Path(mkdtemp(dir=tmp_path)))
            settings.spools.mkdir()
            store = Store.open(settings.database_url)
            closing.callback(store.close)
            with store.transaction() as tx:
                tx.models.add(version(1))
                tx.models.add(version(2))
            return Home(settings, store)

        yield make


@pytest.fixture
def home(make_home: Callable[[], Home]) -> Home:
    return make_home()
