"""Snapshots of one learner in one process: each answers as itself, also after a crash, and the last one ends it."""

import asyncio
import os
import pickle
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from river import linear_model, preprocessing

from interlock.domain.contract import Contract, Field
from interlock.domain.errors import ModelFailedError, UnloadableModelError
from interlock.domain.model import ModelVersion
from interlock.registry.artifacts import ArtifactStore
from interlock.runtimes.isolated import IsolatedRuntime
from interlock.runtimes.runner_process import RunnerProcess
from interlock.runtimes.snapshots import LEARNER, SnapshotLoader, SnapshotRuntime

CONTRACT = Contract(
    inputs=(Field(name="x", datatype="FP64"),),
    outputs=(Field(name="label", datatype="BOOL"), Field(name="probabilities", datatype="FP64", shape=(2,))),
    task="binary",
    classes=(False, True),
)
ROW = {"x": np.array([0.5])}


def _version(folder: Path, number: int, rows: int) -> ModelVersion:
    """A pipeline that has learnt so many rows."""
    model = preprocessing.StandardScaler() | linear_model.LogisticRegression()
    for at in range(rows):
        model.learn_one({"x": float(at % 7)}, at % 7 > 3)
    path = folder / "model.pkl"
    path.write_bytes(pickle.dumps(model))
    digest = ArtifactStore(folder / "artifacts").put(path)
    return ModelVersion(
        name="m", version=number, digest=digest, model_format="river", serving_digest=digest, serving_format="river",
        placement="isolated", contract=CONTRACT, created_at=datetime.now(UTC), created_by="me",
        lineage={LEARNER: "e-learner-1"},
    )  # fmt: skip


@pytest.fixture
def versions(tmp_path: Path) -> list[ModelVersion]:
    return [_version(tmp_path, number, 50 * number) for number in (1, 2, 3)]


@pytest.fixture
def process(tmp_path: Path, versions: list[ModelVersion]) -> Iterator[RunnerProcess]:
    made = RunnerProcess(versions[0], tmp_path / "artifacts", startup_seconds=120)
    yield made
    if made.is_alive:
        made.kill()


def _share(outputs: dict[str, Any]) -> float:
    return float(outputs["probabilities"][0, 1])


async def _snapshots_share_a_process_and_each_answers_as_itself(tmp_path: Path, versions: list[ModelVersion]) -> None:
    loader = SnapshotLoader(tmp_path / "artifacts")
    runtimes = [loader.load(version) for version in versions]
    shares = [_share(await runtime.predict(ROW, 60)) for runtime in runtimes]
    assert len(set(shares)) == 3
    assert isinstance(runtimes[0], SnapshotRuntime)
    process = runtimes[0].process
    assert all(isinstance(each, SnapshotRuntime) and each.process is process for each in runtimes)
    await runtimes[0].close()
    assert [_share(await runtime.predict(ROW, 60)) for runtime in runtimes[1:]] == shares[1:]
    pid = process.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 120
    while True:  # what is in flight is lost with the process; the next one has both again
        try:
            found = [_share(await runtime.predict(ROW, 60)) for runtime in runtimes[1:]]
            break
        except ModelFailedError:
            assert time.monotonic() < until
    assert found == shares[1:]
    for runtime in runtimes[1:]:
        await runtime.close()
    assert process.pid is None or not Path(f"/proc/{process.pid}").exists()


async def _any_other_version_has_a_process_of_its_own(tmp_path: Path, versions: list[ModelVersion]) -> None:
    loader = SnapshotLoader(tmp_path / "artifacts")
    runtime = loader.load(msgspec.structs.replace(versions[0], lineage={}))
    assert isinstance(runtime, IsolatedRuntime)
    await runtime.close()


async def _a_snapshot_that_cannot_be_loaded_leaves_the_others_alone(
    tmp_path: Path, versions: list[ModelVersion]
) -> None:
    loader = SnapshotLoader(tmp_path / "artifacts")
    runtime = loader.load(versions[0])
    with pytest.raises(UnloadableModelError, match="m:2 cannot be loaded"):
        loader.load(msgspec.structs.replace(versions[1], serving_digest="0" * 64))
    assert 0 <= _share(await runtime.predict(ROW, 60)) <= 1
    await runtime.close()


def test_a_model_learns_in_a_runner_and_what_it_learnt_can_be_saved(
    tmp_path: Path, versions: list[ModelVersion], process: RunnerProcess
) -> None:
    process.add("current", versions[0])
    columns = {"x": np.array([1.0, 6.0, 2.0])}
    lesson = process.learn(columns, [False, True, False], 60, "current")
    assert lesson.status == ["ok", "ok", "ok"]
    model = pickle.loads((tmp_path / "artifacts" / versions[0].digest).read_bytes())
    expected = []
    for x, y in zip(columns["x"], [False, True, False], strict=True):
        expected.append(model.predict_proba_one({"x": float(x)})[True])
        model.learn_one({"x": float(x)}, y)
    assert lesson.outputs["probabilities"][:, 1].tolist() == expected
    process.save(tmp_path / "saved", 60, "current")
    saved = pickle.loads((tmp_path / "saved").read_bytes())
    assert saved.predict_proba_one({"x": 3.0}) == model.predict_proba_one({"x": 3.0})
    untouched = process.ask(ROW, 60)
    process.drop("current", 60)
    assert np.array_equal(process.ask(ROW, 60)["probabilities"], untouched["probabilities"])
    with pytest.raises(ModelFailedError, match="no model is loaded as 'current'"):
        process.ask(ROW, 60, "current")


def test_snapshots_share_a_process_and_each_answers_as_itself(tmp_path: Path, versions: list[ModelVersion]) -> None:
    asyncio.run(_snapshots_share_a_process_and_each_answers_as_itself(tmp_path, versions))


def test_any_other_version_has_a_process_of_its_own(tmp_path: Path, versions: list[ModelVersion]) -> None:
    asyncio.run(_any_other_version_has_a_process_of_its_own(tmp_path, versions))


def test_a_snapshot_that_cannot_be_loaded_leaves_the_others_alone(tmp_path: Path, versions: list[ModelVersion]) -> None:
    asyncio.run(_a_snapshot_that_cannot_be_loaded_leaves_the_others_alone(tmp_path, versions))
