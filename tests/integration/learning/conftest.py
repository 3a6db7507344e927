"""A home with a log of real flights and their labels, a champion that was trained on a few of them, and real processes.

The collector runs in a thread, as pins wait for it.
"""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import skops.io

from interlock import bootstrap
from interlock.demo import flights as data
from interlock.demo import models
from interlock.domain.run import Run
from interlock.learning import run_road, workspace
from interlock.learning.retrainer import Retrainer
from interlock.learning.run_road import Mover
from interlock.learning.runs import Runs
from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.log_schema import LABELS, PREDICTIONS
from interlock.process.home import prepare
from interlock.registry.endpoints import Endpoints
from interlock.registry.registration import Registration
from interlock.registry.service import Registry
from interlock.releases.service import Releases
from interlock.settings import Settings
from interlock.store import Store

ENDPOINT = "flights"


@dataclass
class World:
    """A server's home without its ports."""

    settings: Settings
    store: Store
    folder: Path
    commits: int = 0
    endpoint: str = ENDPOINT
    actor: Any = field(default_factory=bootstrap.local_actor)

    @property
    def runs(self) -> Runs:
        return Runs(self.store, self.settings.runs, bootstrap.now, check_road=Releases(self.store, bootstrap.now).check)

    @property
    def retrainer(self) -> Retrainer:
        return bootstrap.build_retrainer(self.settings)

    def serve(self, trained: models.Trained) -> str:
        """Register a model and let an endpoint serve it."""
        model, reference = self.folder / "v1.skops", self.folder / "v1.parquet"
        skops.io.dump(trained.pipeline, model)
        pq.write_table(trained.reference, reference)
        registry = Registry(self.store, self.settings.artifacts, bootstrap.now)
        version = registry.register(Registration(name="flights", source=model, reference=reference, label=data.LABEL))
        Endpoints(self.store, bootstrap.now).create(ENDPOINT, version.ref, actor=self.actor)
        return version.ref

    def log(self, flights: pa.Table, **changes: Callable[[pa.Table], pa.Array]) -> None:
        """Commit predictions of flights, and their labels. `changes` put other columns in place."""
        self.commits += 1
        log, rows, now = DeltaLog(self.settings.log), flights.num_rows, datetime.now(UTC)
        ids = pa.array([f"{self.commits:04d}-{number:07d}" for number in range(rows)])
        table = {name: pa.nulls(rows, PREDICTIONS.field(name).type) for name in PREDICTIONS.names}
        constant = {"version": "flights:1", "assigned_version": "flights:1", "role": "champion", "attempt_status": "ok"}
        for name, value in constant.items():
            table[name] = pa.array([value] * rows)
        events = flights["scheduled_at"].combine_chunks().cast(PREDICTIONS.field("event_at").type)
        table |= {"prediction_id": ids, "request_id": ids, "event_at": events, "date": events.cast(pa.date32())}
        table |= {f"input.{name}": flights[name].combine_chunks() for name in data.FEATURES}
        log.append("predictions", ENDPOINT, pa.table(table), {"test": self.commits})
        log.append("labels", ENDPOINT, pa.table(self._labels(flights, ids, now) | {
            name: change(flights) for name, change in changes.items()
        }), {"test": self.commits})  # fmt: skip

    def _labels(self, flights: pa.Table, ids: pa.Array, now: datetime) -> dict[str, Any]:
        rows, late = flights.num_rows, flights[data.LABEL].combine_chunks().cast(pa.int64())
        found = {name: pa.nulls(rows, LABELS.field(name).type) for name in LABELS.names}
        text = pa.array([str(value) for value in late.to_pylist()])
        return found | {
            "prediction_id": ids,
            "label": text,
            "label_text": text,
            "label_number": late.cast(pa.float64()),
            "observed_at": flights["landed_at"].combine_chunks().cast(LABELS.field("observed_at").type),
            "at": pa.array([now] * rows, LABELS.field("at").type),
            "source": pa.array(["natural"] * rows),
            "batch_row": pa.array(range(rows), pa.int32()),
        }

    def begin(self, **options: Any) -> Run:
        """Ask for a run, and begin it as the controller does."""
        run = self.runs.ask(self.endpoint, self.actor, **options)
        with self.store.transaction() as tx:
            begun = run_road.begin(tx, run, Mover("test", "system", bootstrap.now()), "")
        workspace.prepare(self.settings.runs / run.id)
        return begun

    def perform(self, **options: Any) -> Run:
        """A whole run, in this process but for its trainer and its examination."""
        run = self.begin(**options)
        self.retrainer.perform(run.id)
        return self.runs.get(run.id)

    def declare(self, **said: Any) -> None:
        self.runs.declare(self.endpoint, {"fewest_heldout": 100, "memory_bytes": 2 * 1024**3, **said}, self.actor)

    def trainer(self, body: str, **said: Any) -> None:
        """Declare a trainer of one's own: the body of its function."""
        code = self.folder / "code"
        code.mkdir(exist_ok=True)
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        (code / "learn.py").write_text(f"def train(context):\n{lines}")
        self.declare(trainer="python:learn.train", code=str(code), **said)

    def versions(self) -> list[str]:
        with self.store.read() as tx:
            return [version.ref for version in tx.models.list()]

    def artifacts(self) -> set[str]:
        return {path.name for path in self.settings.artifacts.iterdir()}

    def champion(self) -> str:
        with self.store.read() as tx:
            return tx.plans.current(self.endpoint).champion


@pytest.fixture(scope="session")
def year() -> pa.Table:
    """Real flights in order, one in ten."""
    return data.sample(data.load(), 0.1, 0)


@pytest.fixture(scope="session")
def weak(year: pa.Table) -> models.Trained:
    """A champion that has seen a week."""
    return models.train("schedule", year.slice(0, 600), 0)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, weak: models.Trained) -> Path:
    """A home whose endpoint nobody has asked, to be copied: registering takes seconds."""
    folder = tmp_path_factory.mktemp("served")
    with _opened(Settings(home=folder / "home"), folder) as world:
        world.serve(weak)
    return folder / "home"


@pytest.fixture
def empty_world(tmp_path: Path, served: Path) -> Iterator[World]:
    """An endpoint that nobody has asked."""
    shutil.copytree(served, tmp_path / "home")
    with _opened(Settings(home=tmp_path / "home"), tmp_path) as world:
        stop = threading.Event()
        collector = threading.Thread(target=bootstrap.build_collector(world.settings).run, args=(stop,))
        collector.start()
        yield world
        stop.set()
        collector.join()


@contextmanager
def _opened(settings: Settings, folder: Path) -> Iterator[World]:
    prepare(settings)
    bootstrap.migrate(settings)
    store = bootstrap.build_store(settings)
    yield World(settings, store, folder)
    store.close()


@pytest.fixture
def world(empty_world: World, year: pa.Table) -> World:
    """An endpoint with five thousand labelled flights in its log."""
    empty_world.log(year.slice(600, 5000))
    return empty_world


def shifted(by: timedelta) -> Callable[[pa.Table], pa.Array]:
    """Landings at another time, for labels."""
    step = np.timedelta64(round(by.total_seconds() * 1e6), "us")

    def change(flights: pa.Table) -> pa.Array:
        landed = flights["landed_at"].to_numpy().astype("datetime64[us]") + step
        return pa.array(landed, pa.timestamp("us")).cast(LABELS.field("observed_at").type)

    return change
