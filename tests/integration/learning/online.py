"""A home whose endpoint is answered by a model of River, with a log that tests write: predictions and labels."""

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from river import datasets, linear_model, preprocessing

from interlock import bootstrap
from interlock.domain.learner import Learner
from interlock.domain.model import ModelVersion
from interlock.learning.online_learner import OnlineLearner
from interlock.learning.online_replay import OnlineReplays
from interlock.learning.online_service import OnlineLearners
from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.log_schema import LABELS, PREDICTIONS
from interlock.process.home import prepare
from interlock.registry.endpoints import Endpoints
from interlock.registry.registration import Registration
from interlock.registry.service import Registry
from interlock.settings import Settings
from interlock.store import Store

ENDPOINT = "phishing"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)

ROWS = [(x, bool(y)) for x, y in datasets.Phishing()]
NAMES = tuple(ROWS[0][0])


def blank_model() -> Any:
    """The pipeline of River's own documentation."""
    return preprocessing.StandardScaler() | linear_model.LogisticRegression()


@dataclass
class OnlineWorld:
    """A server's home without its ports."""

    settings: Settings
    store: Store
    commits: int = 0
    process: OnlineLearner | None = None
    actor: Any = field(default_factory=bootstrap.local_actor)

    @classmethod
    def made(cls, home: Path) -> "OnlineWorld":
        """An endpoint with a model that has learnt nothing."""
        settings = Settings(home=home)
        prepare(settings)
        bootstrap.migrate(settings)
        world = cls(settings, bootstrap.build_store(settings))
        version = world.register(blank_model())
        Endpoints(world.store, bootstrap.now).create(ENDPOINT, version.ref, actor=world.actor)
        return world

    @property
    def registry(self) -> Registry:
        return Registry(self.store, self.settings.artifacts, bootstrap.now)

    @cached_property
    def learners(self) -> OnlineLearners:
        return OnlineLearners(self.store, self.settings.log, bootstrap.now)

    @property
    def replays(self) -> OnlineReplays:
        return OnlineReplays(self.store, self.settings.log, self.settings.artifacts)

    def register(self, model: Any, name: str = "phishing") -> ModelVersion:
        """Register a model of River."""
        path, reference = self.settings.home / "model.pkl", self.settings.home / "reference.parquet"
        path.write_bytes(pickle.dumps(model))
        table = {each: [row[each] for row, _ in ROWS[:200]] for each in NAMES} | {"label": [y for _, y in ROWS[:200]]}
        pq.write_table(pa.table(table), reference)
        return self.registry.register(
            Registration(name=name, source=path, reference=reference, label="label", trust_pickle=True)
        )

    def copy(self, name: str) -> None:
        """The model under another name."""
        with self.store.transaction() as tx:
            tx.models.add(msgspec.structs.replace(tx.models.get("phishing:1"), name=name))

    def predict(self, start: int, stop: int, at: datetime = BEGIN) -> list[str]:
        """Commit predictions of rows of the stream; their ids."""
        self.commits += 1
        rows = [ROWS[number % len(ROWS)][0] for number in range(start, stop)]
        ids = [f"id-{number:07d}" for number in range(start, stop)]
        times = pa.array(
            [at + timedelta(seconds=number) for number in range(start, stop)], PREDICTIONS.field("at").type
        )
        table: dict[str, Any] = {each.name: pa.nulls(len(ids), each.type) for each in PREDICTIONS}
        for name, value in {"role": "champion", "attempt_status": "ok", "version": "phishing:1"}.items():
            table[name] = pa.array([value] * len(ids))
        table |= {"prediction_id": pa.array(ids), "request_id": pa.array([f"r-{id}" for id in ids])}
        table["request_row"] = pa.array([0] * len(ids), pa.int32())
        table |= {"at": times, "event_at": times, "date": times.cast(pa.date32())}
        table |= {f"input.{name}": pa.array([float(row[name]) for row in rows]) for name in NAMES}
        table["output.label"] = pa.array([False] * len(ids))
        table["output.probabilities"] = pa.array([[0.5, 0.5]] * len(ids))
        self._append("predictions", pa.table(table))
        return ids

    def label(
        self, start: int, stop: int, *, said: Sequence[Any] | None = None, ids: Sequence[str | None] | None = None,
        source: str = "natural", at: datetime | None = None, observed_at: datetime | None = None, **more: Sequence[Any],
    ) -> None:  # fmt: skip
        """Commit labels of rows of the stream, by default the true ones. `more` puts other columns in place."""
        self.commits += 1
        count = stop - start
        values = list(said) if said is not None else [ROWS[n % len(ROWS)][1] for n in range(start, stop)]
        when = at or BEGIN + timedelta(days=1)
        texts = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
        found: dict[str, Any] = {each.name: pa.nulls(count, each.type) for each in LABELS}
        numbers = [float(value) if isinstance(value, bool | int | float) else None for value in values]
        found |= {
            "prediction_id": pa.array(
                ids if ids is not None else [f"id-{n:07d}" for n in range(start, stop)], pa.string()
            ),
            "label": pa.array(texts),
            "label_text": pa.array(texts),
            "label_number": pa.array(numbers, pa.float64()),
            "observed_at": pa.array([observed_at or when] * count, LABELS.field("observed_at").type),
            "at": pa.array([when + timedelta(milliseconds=n) for n in range(count)], LABELS.field("at").type),
            "source": pa.array([source] * count),
            "weight": pa.array(np.ones(count)),
            "batch_row": pa.array(range(count), pa.int32()),
        }
        for name, given in more.items():
            found[name] = pa.array(given, LABELS.field(name).type)
        self._append("labels", pa.table(found))

    def _append(self, kind: Any, table: pa.Table) -> None:
        DeltaLog(self.settings.log).append(kind, ENDPOINT, table, {"test": self.commits})

    def declare(self, **said: Any) -> None:
        self.learners.declare(
            ENDPOINT, {"begin": "beginning", "every_labels": 200, "every_seconds": 3600, **said}, self.actor
        )

    def learner_process(self) -> OnlineLearner:
        """The learner as its process has it, in this process."""
        return bootstrap.build_online_learner(self.settings, ENDPOINT)

    def learn(self, *, anew: bool = False) -> Learner:
        """Learn all there is; `anew`: as a process that was just started, from what is saved."""
        if anew:
            self.stop()
        self.process = self.process or self.learner_process()
        while self.process.step():
            pass
        return self.learner()

    def stop(self) -> None:
        """End the learner."""
        if self.process is not None:
            self.process.close()
            self.process = None

    def learner(self) -> Learner:
        with self.store.read() as tx:
            return tx.learners.get(ENDPOINT)

    def champion(self) -> str:
        with self.store.read() as tx:
            return tx.plans.current(ENDPOINT).champion

    def version(self, ref: str) -> ModelVersion:
        with self.store.read() as tx:
            return tx.models.get(ref)

    def audited(self) -> list[str]:
        """Actions on the endpoint, oldest first."""
        with self.store.read() as tx:
            return [entry.action for entry in tx.audit.list(subject=ENDPOINT)][::-1]

    def model_bytes(self) -> bytes:
        """What is learnt so far."""
        learner = self.learner()
        if learner.model_digest:
            return (self.settings.learners / ENDPOINT / learner.model_digest).read_bytes()
        return (self.settings.artifacts / self.version(learner.good).digest).read_bytes()
