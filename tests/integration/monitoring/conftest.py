"""An endpoint with traffic of some days in a real store and a real log."""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Field
from interlock.domain.endpoint import Endpoint
from interlock.domain.model import ModelVersion
from interlock.monitoring import Monitoring, MonitoringController
from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.log_schema import LABELS, PREDICTIONS
from interlock.predictions.reader import LogReader
from interlock.stats import log_histogram
from interlock.stats.profile import Profile
from interlock.stats.profile_bins import ProfileSpec, learn
from interlock.store import Store
from interlock.store.service_hours import ServiceDelta

HOUR = timedelta(hours=1)
START = datetime(2013, 4, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = {"x": "numeric", "output.label": "categorical", "output.score": "numeric"}
CONTRACT = Contract(
    inputs=(Field(name="x", datatype="FP64"),),
    outputs=(Field(name="label", datatype="BOOL"), Field(name="probabilities", datatype="FP64", shape=(2,))),
    task="binary",
    classes=(False, True),
)


@dataclass
class Rows:
    """Rows of a model that is right about its own uncertainty, if asked about the x it knows."""

    x: NDArray[np.float64]
    score: NDArray[np.float64]
    happened: NDArray[np.bool_]

    @classmethod
    def draw(cls, rng: np.random.Generator, rows: int, shift: float, noise: float) -> "Rows":
        x = rng.normal(shift, 1, rows)
        return cls(
            x,
            1 / (1 + np.exp(-x)),
            rng.random(rows) < 1 / (1 + np.exp(-(x - shift + noise * rng.standard_normal(rows)))),
        )

    def features(self) -> dict[str, NDArray[np.float64] | NDArray[np.bool_]]:
        return {"x": self.x, "output.label": self.score >= 0.5, "output.score": self.score}


@dataclass
class World:
    """A store and a log, and hands to fill them."""

    store: Store
    log: DeltaLog
    reader: LogReader
    spec: ProfileSpec
    now: datetime = NOW
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(1))
    commits: int = 0

    @property
    def monitoring(self) -> Monitoring:
        return Monitoring(self.store, self.reader, lambda: self.now)

    @property
    def controller(self) -> MonitoringController:
        return MonitoringController(self.store, self.reader, lambda: self.now)

    def serve(
        self,
        since: datetime,
        hours: int,
        *,
        rows: int = 20,
        shift: float = 0.0,
        noise: float = 0.0,
        version: str = "m:1",
    ) -> pa.Table:
        """Log hours of traffic; returns their labels, which have not come yet."""
        predictions, labels = [], []
        with self.store.transaction() as tx:
            for number in range(hours):
                hour, some = since + number * HOUR, Rows.draw(self.rng, rows, shift, noise)
                profile = Profile(self.spec)
                profile.update(some.features())
                tx.profiles.merge("e", version, hour, profile.to_bytes(), _replace)
                tx.service_hours.add(_service(version, hour, rows))
                ids = [f"{version}-{hour.isoformat()}-{row}" for row in range(rows)]
                predictions.append(_predictions(ids, hour, version, some))
                labels.append(_labels(ids, hour, some))
        self.append("predictions", pa.concat_tables(predictions))
        return pa.concat_tables(labels)

    def append(self, kind: str, table: pa.Table) -> None:
        self.commits += 1
        self.log.append(kind, "e", table, {"test": self.commits})  # type: ignore[arg-type]  # one of its kinds


def _replace(_: bytes | None, delta: bytes) -> bytes:
    return delta


def _service(version: str, hour: datetime, rows: int) -> ServiceDelta:
    latency = np.bincount(log_histogram.indices(np.full(rows, 2000.0)), minlength=log_histogram.SIZE)
    return ServiceDelta(endpoint="e", version=version, hour=hour, requests=rows, failures=0, rows=rows, latency=latency)


def _predictions(ids: list[str], hour: datetime, version: str, rows: Rows) -> pa.Table:
    count = len(ids)
    columns: dict[str, object] = {name: pa.nulls(count, PREDICTIONS.field(name).type) for name in PREDICTIONS.names}
    columns |= {
        "prediction_id": ids,
        "request_id": ids,
        "request_row": pa.array([0] * count, pa.int32()),
        "event_at": pa.array([hour + timedelta(minutes=1)] * count, PREDICTIONS.field("event_at").type),
        "at": pa.array([NOW] * count, PREDICTIONS.field("at").type),
        "date": pa.array([hour.date()] * count, pa.date32()),
        "version": [version] * count,
        "assigned_version": [version] * count,
        "role": ["champion"] * count,
        "input.x": rows.x,
        "output.label": rows.score >= 0.5,
        "output.probabilities": np.stack((1 - rows.score, rows.score), axis=1).tolist(),
    }
    return pa.table(columns)


def _labels(ids: list[str], hour: datetime, rows: Rows) -> pa.Table:
    texts = [str(bool(each)).lower() for each in rows.happened]
    values = [
        {
            "prediction_id": id,
            "label": msgspec.json.encode(bool(happened)).decode(),
            "label_text": text,
            "label_number": float(happened),
            "observed_at": hour,
            "at": NOW,
            "source": "natural",
            "weight": 1.0,
            "batch_row": number,
        }
        for number, (id, happened, text) in enumerate(zip(ids, rows.happened, texts, strict=True))
    ]
    return pa.Table.from_pylist(values, schema=LABELS)


@pytest.fixture
def world(tmp_path: Path, store_url: str) -> Iterator[World]:
    """Endpoint `e` with version `m:1`, whose reference has no drift, and nothing served yet."""
    rows = Rows.draw(np.random.default_rng(0), 5000, 0.0, 0.0)
    spec = learn(rows.features(), KINDS)
    profile = Profile(spec)
    profile.update(rows.features())
    quality = {"rows": 5000, "accuracy": float(((rows.score >= 0.5) == rows.happened).mean())}
    quality["brier"] = float(np.square(rows.score - rows.happened).mean())
    store, log, reader = Store(store_url), DeltaLog(tmp_path), LogReader(tmp_path)
    with store.transaction() as tx:
        tx.endpoints.add(Endpoint(name="e", created_at=START, created_by="test"))
        tx.models.add(_version(1, spec, profile, quality))
        tx.models.add(_version(2, spec, profile, quality))
    yield World(store, log, reader, spec)
    reader.close()
    store.close()


def _version(number: int, spec: ProfileSpec, profile: Profile, quality: dict[str, float]) -> ModelVersion:
    counts = b64encode(profile.to_bytes()).decode()
    return ModelVersion(
        name="m",
        version=number,
        digest="0" * 64,
        model_format="onnx",
        serving_digest="0" * 64,
        serving_format="onnx",
        placement="inline",
        contract=CONTRACT,
        created_at=START,
        created_by="test",
        profile={"spec": spec.to_dict(), "counts": counts, "rows": profile.rows, "quality": quality},
    )
