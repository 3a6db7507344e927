"""A model that does to its process what its one input says."""

import hashlib
import pickle
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import pytest

from interlock.domain.contract import Contract, Field
from interlock.domain.model import ModelVersion

FAULTY = '''
import json
import os
import signal
import sys
import time

class Faulty:
    """Answers 2 * x, except for these x."""

    def __init__(self, fail_to_load_file=None):
        self.fail_to_load_file = fail_to_load_file

    def __setstate__(self, state):
        self.__dict__.update(state)
        if self.fail_to_load_file and os.path.exists(self.fail_to_load_file):
            sys.exit(3)

    def predict(self, rows):
        x = float(rows[0][0])
        if x == -1:
            raise ValueError("no negative amounts")
        if x == -2:
            time.sleep(3600)
        if x == -3:
            os.kill(os.getpid(), signal.SIGKILL)
        if x == -4:
            return [float("nan")] * len(rows)
        if x == -5:
            print("a model that prints")
            os.write(1, b"and writes")
        if x == -6:
            time.sleep(0.3)
        if x == -7:
            return [float(sum(name in os.environ for name in ("SECRET_TOKEN", "INTERLOCK_API_KEY")))]
        if x == -8:
            return [float(os.environ["OMP_NUM_THREADS"])]
        if x == -9:
            return [float(os.getpid())]
        if x == -10:
            return [float(len(bytearray(10**9)))]
        if x == -11:
            import tempfile
            return [float(os.stat(tempfile.mkdtemp()).st_ino)]
        if x == -12:
            import resource
            return [float(resource.getrlimit(resource.RLIMIT_DATA)[0])]
        return [2.0 * float(row[0]) for row in rows]
'''


def version_of(digest: str) -> ModelVersion:
    field = Field(name="x", datatype="FP64")
    output = Field(name="prediction", datatype="FP64")
    return ModelVersion(
        name="faulty",
        version=1,
        digest=digest,
        model_format="pickle",
        serving_digest=digest,
        serving_format="pickle",
        placement="isolated",
        contract=Contract(inputs=(field,), outputs=(output,), task="regression"),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        created_by="test",
    )


@pytest.fixture
def faulty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], tuple[ModelVersion, Path]]:
    """Stores the faulty model; its process exits while loading when `tmp_path / "broken"` exists."""
    (tmp_path / "faulty_model.py").write_text(FAULTY)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("faulty_model", None)

    def make() -> tuple[ModelVersion, Path]:
        content = pickle.dumps(import_module("faulty_model").Faulty(str(tmp_path / "broken")))
        digest = hashlib.sha256(content).hexdigest()
        artifacts = tmp_path / "artifacts"
        artifacts.mkdir(exist_ok=True)
        (artifacts / digest).write_bytes(content)
        return version_of(digest), artifacts

    return make
