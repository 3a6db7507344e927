"""One model in every format and placement: a classifier of numbers, whole numbers, booleans and text, some missing."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import joblib
import mlflow
import numpy as np
import pandas as pd
import pytest
import skops.io
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

from interlock.domain.model import ModelVersion
from interlock.domain.ports import Columns
from interlock.registry.artifacts import ArtifactStore
from interlock.registry.register import examine_apart, register
from interlock.registry.registration import Registration


@dataclass(frozen=True)
class Served:
    """A version, its artifacts, the pipeline it came from, and rows with that pipeline's own probabilities."""

    version: ModelVersion
    artifacts: Path
    columns: Columns
    probabilities: NDArray[np.float64]


def make_rows(count: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    amount = rng.normal(100, 30, count).round(2)
    amount[rng.random(count) < 0.1] = np.nan
    plans = rng.choice(["free", "pro", "team"], count).astype(object)
    plans[rng.random(count) < 0.1] = None
    return pd.DataFrame(
        {"amount": amount, "visits": rng.integers(0, 40, count), "trial": rng.random(count) < 0.3, "plan": plans}
    )


def truth(rows: pd.DataFrame) -> Any:
    return np.where((rows["visits"] > 20) ^ (rows["plan"] == "pro"), "stays", "leaves")


@pytest.fixture(scope="session")
def pipeline() -> Pipeline:
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1)
    columns = ColumnTransformer([("plan", encoder, ["plan"])], remainder="passthrough")
    model = Pipeline([("columns", columns), ("classifier", HistGradientBoostingClassifier(max_iter=20))])
    rows = make_rows(1000, seed=1)
    return model.fit(rows, truth(rows))


@pytest.fixture(scope="session")
def served(pipeline: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Served]:
    folder = tmp_path_factory.mktemp("served")
    rows = make_rows(200, seed=2)
    rows.assign(outcome=truth(rows)).to_parquet(folder / "reference.parquet")
    made: dict[str, Served] = {}

    def get(which: str) -> Served:
        if which not in made:
            made[which] = make(which)
        return made[which]

    def make(which: str) -> Served:
        placement, _, served_as = which.partition(" ")
        store = ArtifactStore(folder / "artifacts")
        source = _save(pipeline, folder, served_as)
        reference = folder / "reference.parquet"
        request = Registration(
            name="churn", source=source, reference=reference, label="outcome", trust_pickle=served_as != "skops"
        )
        found = register(request, store, examine_apart)
        examined = found.examination
        assert examined.serving_format == "onnx", examined.parity
        version = ModelVersion(
            name="churn",
            version=1,
            digest=found.digest,
            model_format=examined.model_format,
            serving_digest=found.serving_digest if served_as == "onnx" else found.digest,
            serving_format=served_as,  # type: ignore[arg-type]  # one of PLACEMENTS
            placement=placement,  # type: ignore[arg-type]
            contract=examined.contract,
            created_at=datetime.now(UTC),
            created_by="test",
            row_us=50.0,
            frameworks=examined.frameworks,
        )
        columns = {name: rows[name].to_numpy() for name in rows.columns}
        return Served(version, store.root, columns, pipeline.predict_proba(rows))

    return get


def _save(pipeline: Pipeline, folder: Path, served_as: str) -> Path:
    if served_as == "mlflow":
        path = folder / "churn_mlflow"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MLflow's own, about type hints and about pickle
            mlflow.sklearn.save_model(pipeline, str(path), serialization_format="cloudpickle")
        return path
    if served_as == "pickle":
        path = folder / "churn.joblib"
        joblib.dump(pipeline, path)
        return path
    path = folder / "churn.skops"
    skops.io.dump(pipeline, path)
    return path
