"""A release between a real ONNX champion and a candidate that fails as its input says, with a real store and log."""

import hashlib
import pickle
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from skl2onnx import to_onnx
from sklearn.linear_model import LinearRegression

from interlock.domain.contract import Contract, Field
from interlock.domain.endpoint import Endpoint
from interlock.domain.model import ModelFormat, ModelVersion, Placement
from interlock.domain.release import Release, ReleasePlan
from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.log_schema import PREDICTIONS
from interlock.predictions.reader import LogReader
from interlock.scoring.paired import PairedScorer
from interlock.store import Store

NOW = datetime.now(UTC)
CONTRACT = Contract(
    inputs=(Field(name="x", datatype="FP64", nullable=True),),
    outputs=(Field(name="prediction", datatype="FP64"),),
    task="regression",
)

CANDIDATE = '''
import time

class Candidate:
    """Answers 3 * x, except for these x."""

    def predict(self, rows):
        values = [float(row[0]) for row in rows]
        if any(value != value for value in values):
            raise ValueError("x is missing")
        if -2.0 in values:
            time.sleep(3600)
        return [float("inf") if value == -4.0 else 3 * value for value in values]
'''


@dataclass
class World:
    """A store with endpoint `e`, a log, and hands to fill them."""

    store: Store
    log: DeltaLog
    root: Path
    reader: LogReader
    scorers: list[PairedScorer] = field(default_factory=list)
    commits: int = 0

    def scorer(self) -> PairedScorer:
        """A scorer as a new process would have it."""
        made = PairedScorer(self.store, self.reader, DeltaLog(self.root / "log"), self.root / "artifacts", lambda: NOW)
        self.scorers.append(made)
        return made

    def add_version(self, number: int, content: bytes, model_format: ModelFormat, placement: Placement) -> None:
        digest = hashlib.sha256(content).hexdigest()
        (self.root / "artifacts").mkdir(exist_ok=True)
        (self.root / "artifacts" / digest).write_bytes(content)
        version = ModelVersion(
            name="m",
            version=number,
            digest=digest,
            model_format=model_format,
            serving_digest=digest,
            serving_format=model_format,
            placement=placement,
            contract=CONTRACT,
            created_at=NOW,
            created_by="test",
            row_us=5.0,
        )
        with self.store.transaction() as tx:
            tx.models.add(version)

    def release(self, id: str = "r", candidate: str = "m:2") -> Release:
        release = Release(
            id=id,
            endpoint="e",
            strategy="canary",
            state="running",
            candidate=candidate,
            champion="m:1",
            plan=ReleasePlan(),
            created_at=NOW,
            created_by="test",
            step_started_at=NOW,
        )
        with self.store.transaction() as tx:
            tx.releases.add(release)
        return release

    def predict(self, x: Sequence[float | None], **columns: Any) -> list[str]:
        """Commit predictions of the champion, in release `r`, unless columns say otherwise."""
        self.commits += 1
        ids = [f"{self.commits}-{number}" for number in range(len(x))]
        constant = {"version": "m:1", "assigned_version": "m:1", "role": "champion", "attempt_status": "ok"}
        values: dict[str, Any] = {**constant, "release_id": "r", "unit": "u", "step": 0} | columns
        table = {name: pa.nulls(len(x), PREDICTIONS.field(name).type) for name in PREDICTIONS.names}
        for name, value in values.items():
            each = value if name == "unit" and isinstance(value, list) else [value] * len(x)
            table[name] = pa.array(each, PREDICTIONS.field(name).type)
        table |= {
            "prediction_id": pa.array(ids),
            "event_at": pa.array([NOW] * len(x), PREDICTIONS.field("event_at").type),
            "date": pa.array([NOW.date()] * len(x)),
            "input.x": pa.array(x, pa.float64()),
            "output.prediction": pa.array([0.5] * len(x)),
        }
        self.log.append("predictions", "e", pa.table(table), {"test": self.commits})
        return ids

    def scores(self) -> dict[str, tuple[str, str, float | None]]:
        """Version, status and answer by prediction; fails on a row that was scored twice."""
        delta = DeltaLog(self.root / "log").table("scores", "e")
        rows = delta.to_pyarrow_table().to_pylist() if delta else []
        found = {row["prediction_id"]: (row["version"], row["status"], row["output.prediction"]) for row in rows}
        assert len(found) == len(rows)
        return found


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Champion m:1 answers 2 * x (ONNX, inline); candidate m:2 answers 3 * x, and fails where x says so (pickle)."""
    store, log, reader = (
        Store.open(f"sqlite:///{tmp_path / 'store.db'}"),
        DeltaLog(tmp_path / "log"),
        LogReader(tmp_path / "log"),
    )
    world = World(store, log, tmp_path, reader)
    with store.transaction() as tx:
        tx.endpoints.add(Endpoint(name="e", created_at=NOW, created_by="test", deadline_ms=300.0))
    x = np.arange(10.0).reshape(-1, 1)
    linear = to_onnx(LinearRegression().fit(x, 2 * x[:, 0]), x[:1].astype(np.float32))
    world.add_version(1, linear.SerializeToString(), "onnx", "inline")
    (tmp_path / "candidate_model.py").write_text(CANDIDATE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("candidate_model", None)
    candidate = pickle.dumps(import_module("candidate_model").Candidate())
    world.add_version(2, candidate, "pickle", "thread")
    world.add_version(3, candidate, "pickle", "isolated")
    world.add_version(4, b"not a model", "onnx", "inline")
    yield world
    for scorer in world.scorers:
        scorer.close()
    reader.close()
    store.close()
