"""A Python class that learns: row by row in a runner process, and what it learnt is a folder that loads again."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pytest

from interlock.domain.contract import Contract, Field
from interlock.domain.errors import ModelFailedError
from interlock.domain.model import ModelVersion
from interlock.registry.artifacts import ArtifactStore
from interlock.runtimes.runner_process import RunnerProcess

CODE = '''
import json
import pathlib


class Mean:
    """Says the mean of what it has learnt; raises on labels below zero."""

    def __init__(self):
        self.sum, self.rows = 0.0, 0

    def load(self, path):
        file = pathlib.Path(path) / "state.json"
        if file.exists():
            self.sum, self.rows = json.loads(file.read_text())

    def predict(self, columns):
        return [self.sum / max(self.rows, 1)] * len(columns["x"])

    def learn(self, x, y):
        if y < 0:
            raise ValueError("no debts")
        assert isinstance(x["x"], float)
        self.sum, self.rows = self.sum + y, self.rows + 1

    def save(self, path):
        (pathlib.Path(path) / "state.json").write_text(json.dumps([self.sum, self.rows]))


class Fixed:
    def predict(self, columns):
        return [1.0] * len(columns["x"])
'''
CONTRACT = Contract(
    inputs=(Field(name="x", datatype="FP64"),), outputs=(Field(name="prediction", datatype="FP64"),), task="regression"
)


def _version(folder: Path, entry: str) -> ModelVersion:
    code = folder / "code"
    code.mkdir()
    (code / "learning_mean.py").write_text(CODE)
    digest = ArtifactStore(folder / "artifacts").put(code)
    return ModelVersion(
        name="m", version=1, digest=digest, model_format="python", serving_digest=digest, serving_format="python",
        placement="isolated", contract=CONTRACT, created_at=datetime.now(UTC), created_by="me", entry=entry,
    )  # fmt: skip


def test_it_learns_row_by_row_and_loads_again_as_it_was(tmp_path: Path) -> None:
    version = _version(tmp_path, "learning_mean.Mean")
    process = RunnerProcess(version, tmp_path / "artifacts", startup_seconds=120)
    try:
        lesson = process.learn({"x": np.array([1.0, 2.0, 3.0, 4.0])}, [4.0, -1.0, 8.0, 6.0], 60)
        assert lesson.status == ["ok", "ValueError: no debts", "ok", "ok"]
        assert lesson.outputs["prediction"][[0, 2, 3]].tolist() == [0.0, 4.0, 6.0]
        process.save(tmp_path / "saved", 60)
        digest = ArtifactStore(tmp_path / "artifacts").put(tmp_path / "saved")
        process.add("next", msgspec.structs.replace(version, digest=digest, serving_digest=digest))
        assert process.ask({"x": np.array([0.0])}, 60, "next")["prediction"].tolist() == [6.0]
    finally:
        process.kill()


def test_a_class_that_cannot_learn_says_what_it_lacks(tmp_path: Path) -> None:
    process = RunnerProcess(_version(tmp_path, "learning_mean.Fixed"), tmp_path / "artifacts", startup_seconds=120)
    try:
        with pytest.raises(ModelFailedError, match=r"learn\(x, y\) and save\(path\)"):
            process.learn({"x": np.array([1.0])}, [4.0], 60)
    finally:
        process.kill()
