"""A model of every kind, registered, and running wherever it may run."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from tests.checks.runtimes.models import MAKERS, Made, make_rows, truth
from tests.checks.runtimes.v2_server import V2Server

from interlock.domain.model import ModelFormat, ModelVersion, Placement
from interlock.domain.ports import Columns, Runtime
from interlock.registry.artifacts import ArtifactStore
from interlock.registry.examine import examine
from interlock.registry.register import Registered, register
from interlock.registry.registration import Registration
from interlock.runtimes.load import load_runtime
from interlock.runtimes.remote_address import RemoteAddress

CASES = (
    "inline onnx",
    "thread onnx",
    "isolated onnx",
    "isolated skops",
    "isolated pickle",
    "isolated mlflow",
    "isolated pyfunc",
    "isolated python",
    "isolated lightgbm",
    "isolated xgboost",
    "isolated river",
    "isolated torch_export",
    "isolated torchscript",
    "remote json",
    "remote binary",
)


@dataclass(frozen=True)
class Served:
    """A version, its artifacts, the model that it came from, and rows with that model's own answers: probabilities."""

    version: ModelVersion
    artifacts: Path
    made: Made
    columns: Columns
    answers: NDArray[np.float64]

    @property
    def output(self) -> str:
        """The output that stands for `answers`."""
        return "probabilities" if self.made.classes else "prediction"

    @property
    def takes_text(self) -> bool:
        return "plan" in self.made.inputs


Get = Callable[[str], Served]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Get]:
    folder = tmp_path_factory.mktemp("served")
    known: dict[str, Served] = {}
    servers: list[V2Server] = []

    def get(case: str) -> Served:
        placement, _, kind = case.partition(" ")
        if kind.startswith("torch") and find_spec("torch") is None:
            pytest.skip("torch is not installed; the extra `torch` brings it")
        if case not in known:
            known[case] = remote(kind) if placement == "remote" else local(placement, kind)  # type: ignore[arg-type]
        return known[case]

    def local(placement: Placement, kind: str) -> Served:
        made, request, found, store = registered("skops" if kind == "onnx" else kind)
        model_format: ModelFormat = "mlflow" if kind == "pyfunc" else kind  # type: ignore[assignment]
        return _served(found, request, store, made, placement, model_format)

    @cache
    def registered(kind: str) -> tuple[Made, Registration, Registered, ArtifactStore]:
        own = folder / kind
        own.mkdir()
        made = MAKERS[kind](own)
        request = Registration(
            name="churn", source=made.source, entry=made.entry, reference=reference(made, own), label="outcome",
            trust_pickle=True,
        )  # fmt: skip
        store = ArtifactStore(own / "artifacts")
        return made, request, register(request, store, examine), store

    def remote(transport: str) -> Served:
        own = folder / f"remote_{transport}"
        own.mkdir()
        made = MAKERS["pickle"](own)
        server = V2Server(made.answer, made.inputs, binary=transport == "binary")
        servers.append(server)
        request = Registration(
            name="churn", remote=RemoteAddress(url=server.url), reference=reference(made, own), label="outcome"
        )
        store = ArtifactStore(own / "artifacts")
        found = register(request, store, examine)
        return _served(found, request, store, made, "remote", "remote")

    yield get
    for server in servers:
        server.stop()


def reference(made: Made, folder: Path) -> Path:
    rows = make_rows(200, seed=2)
    stays = truth(rows) == "stays"
    outcome = truth(rows) if made.classes == ("leaves", "stays") else stays if made.classes else stays.astype(float)
    rows[made.inputs].assign(outcome=outcome).to_parquet(folder / "reference.parquet")
    return folder / "reference.parquet"


def _served(
    found: Registered, request: Registration, store: ArtifactStore, made: Made, placement: Placement, kind: ModelFormat
) -> Served:
    examined = found.examination
    serves_as_registered = kind in (examined.serving_format, "remote")
    version = ModelVersion(
        name="churn",
        version=1,
        digest=found.digest,
        model_format=examined.model_format,
        serving_digest=found.serving_digest if serves_as_registered else found.digest,
        serving_format=kind,
        placement=placement,
        contract=examined.contract,
        created_at=datetime.now(UTC),
        created_by="test",
        row_us=50.0,
        frameworks=examined.frameworks,
        entry=request.entry,
    )
    rows = make_rows(200, seed=2)[made.inputs]
    return Served(version, store.root, made, columns_of(rows), made.answer(rows))


def columns_of(rows: pd.DataFrame) -> Columns:
    """As gateways give them: a missing text is None, whatever pandas makes of it."""
    columns = {name: rows[name].to_numpy() for name in rows}
    if "plan" in columns:
        columns["plan"] = np.array([None if pd.isna(plan) else plan for plan in rows["plan"]], dtype=object)
    return columns


@pytest.fixture(scope="session")
def loop() -> Iterator[asyncio.Runner]:
    """One event loop for all: runtimes may keep connections in the loop that they first met."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, served: Get) -> Served:
    return served(request.param)


@pytest.fixture(scope="session")
def running(loop: asyncio.Runner) -> Iterator[Callable[[Served], Runtime]]:
    """The runtime of a case, started once: for tests that leave it as it was."""
    started: dict[int, Runtime] = {}

    def get(case: Served) -> Runtime:
        if id(case) not in started:
            started[id(case)] = load_runtime(case.version, case.artifacts)
        return started[id(case)]

    yield get
    for runtime in started.values():
        loop.run(runtime.close())


def frame_of(case: Served, columns: Columns) -> pd.DataFrame:
    return pd.DataFrame({name: columns[name] for name in case.made.inputs})
