"""Versions of real models, and of models that behave badly in one way each; and a held-out file of real data."""

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tests.integration.registry.conftest import make_desk

from interlock.domain.model import ModelVersion
from interlock.registry.application_tests import Job
from interlock.registry.examine import examine
from interlock.registry.registration import Registration
from interlock.registry.service import Registry
from interlock.store import Store

COLUMNS = 6


@dataclass(frozen=True)
class Bench:
    """Registered versions, and files to test them on."""

    registry: Registry
    artifacts: Path
    folder: Path
    heldout: pd.DataFrame

    def job(self, candidate: ModelVersion, data: Path, **more: Any) -> Job:
        given = {"champion": None, "artifacts": str(self.artifacts), "data_name": data.name, **more}
        return Job(candidate=candidate, data=str(data), **given)

    def file(self, rows: pd.DataFrame, name: str = "heldout.csv") -> Path:
        path = self.folder / name
        rows.to_csv(path, index=False) if path.suffix == ".csv" else rows.to_parquet(path)
        return path

    def of_code(self, name: str, code: str, reference_rows: pd.DataFrame | None = None) -> ModelVersion:
        """A version from the source of a Python class `Model`, which by default takes a number `x`, nullable."""
        path = self.folder / f"{name}.py"
        path.write_text("import time, os, numpy\n" + textwrap.dedent(code))
        rows = pd.DataFrame({"x": [*np.linspace(0, 1, 60), np.nan]})
        reference = self.file(rows if reference_rows is None else reference_rows, f"{name}.parquet")
        return self.registry.register(
            Registration(name=name, source=path, entry=f"{name}.Model", trust_pickle=True, reference=reference)
        )


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("bench")
    store = Store.open(f"sqlite:///{folder / 'store.db'}")
    desk = make_desk(folder, store, examine)
    rows, truth = load_breast_cancer(return_X_y=True, as_frame=True)
    rows = rows.iloc[:, :COLUMNS].set_axis([name.replace(" ", "_") for name in rows.columns[:COLUMNS]], axis=1)
    rows = rows.assign(benign=truth)
    train, heldout = train_test_split(rows, test_size=0.5, random_state=0)
    reference = desk.reference(heldout)
    inputs, label = train.drop(columns="benign"), train["benign"]
    forest = RandomForestClassifier(30, random_state=0).fit(inputs, label)
    logistic = make_pipeline(StandardScaler(), LogisticRegression()).fit(inputs, label)
    for model in (forest, logistic):
        desk.registry.register(
            Registration(name="cancer", source=desk.save(model), reference=reference, label="benign")
        )
    return Bench(desk.registry, desk.artifacts, desk.folder, heldout.reset_index(drop=True))


@pytest.fixture(scope="session")
def short(request: pytest.FixtureRequest) -> Callable[[pytest.MonkeyPatch], None]:
    """Makes the phases of a test short: bad models show themselves soon."""

    def shorten(patch: pytest.MonkeyPatch) -> None:
        from interlock.application_test import run

        for name, seconds in (("_ASKING", 15.0), ("_CONSISTENCY", 10.0), ("_ROBUSTNESS", 20.0), ("_LOAD", 6.0)):
            patch.setattr(run, f"{name}_SECONDS", seconds)

    return shorten
