"""Estimators answer as they do by themselves, with no part of them asked twice."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from interlock.domain.contract import Contract, Field
from interlock.runtimes.sklearn import SklearnPredictor

RNG = np.random.default_rng(5)
ROWS = pd.DataFrame(RNG.integers(0, 3, (300, 2)).astype(float), columns=["x", "y"])
CLASSES = ("high", "low", "mid")
LABELS = RNG.choice(CLASSES, 300)  # by chance, from few different rows: trees meet ties
CONTRACT = Contract(
    task="multiclass",
    inputs=(Field(name="x", datatype="FP64"), Field(name="y", datatype="FP64")),
    outputs=(Field(name="label", datatype="BYTES"), Field(name="probabilities", datatype="FP64", shape=(3,))),
    classes=CLASSES,
)


class Contrary(RandomForestClassifier):  # type: ignore[misc]  # sklearn has no types
    """A forest with a mind of its own."""

    def predict(self, X: Any) -> Any:
        return np.full(len(X), "mid")


class Halved:
    """A transformer that somebody wrote by hand, with nothing to be fitted."""

    def fit(self, X: Any, y: Any = None) -> "Halved":
        return self

    def transform(self, X: Any) -> Any:
        return X / 2


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(4, random_state=0),
        ExtraTreesClassifier(4, random_state=0),
        BaggingClassifier(n_estimators=4, random_state=0),
        CalibratedClassifierCV(RandomForestClassifier(4, random_state=0), cv=2),
        Contrary(4, random_state=0),
        make_pipeline(StandardScaler(), RandomForestClassifier(4, random_state=0)),
        make_pipeline(StandardScaler(), LogisticRegression()),
    ],
    ids=lambda model: type(getattr(model, "steps", [[0, model]])[-1][1]).__name__,
)
def test_answers_are_those_of_the_estimator(model: Any) -> None:
    model.fit(ROWS, LABELS)
    outputs = SklearnPredictor(model, CONTRACT).predict({name: ROWS[name].to_numpy() for name in ROWS})
    assert outputs["label"].tolist() == model.predict(ROWS).tolist()
    assert outputs["probabilities"].tolist() == model.predict_proba(ROWS).tolist()


def test_a_pipeline_may_have_transformers_written_by_hand_and_steps_that_do_nothing() -> None:
    model = make_pipeline(Halved(), "passthrough", None, LogisticRegression()).fit(ROWS.to_numpy(), LABELS)
    outputs = SklearnPredictor(model, CONTRACT).predict({name: ROWS[name].to_numpy() for name in ROWS})
    assert outputs["probabilities"].tolist() == model.predict_proba(ROWS.to_numpy()).tolist()


def test_a_pipeline_transforms_once_and_a_forest_is_asked_once() -> None:
    calls: list[str] = []

    def look(rows: pd.DataFrame) -> pd.DataFrame:
        calls.append("transform")
        return rows

    class Counting(RandomForestClassifier):  # type: ignore[misc]  # sklearn has no types
        def predict_proba(self, X: Any) -> Any:
            calls.append("ask")
            return super().predict_proba(X)

    model = make_pipeline(FunctionTransformer(look), Counting(4)).fit(ROWS, LABELS)
    predictor = SklearnPredictor(model, CONTRACT)
    calls.clear()
    predictor.predict({name: ROWS[name].to_numpy() for name in ROWS})
    assert calls == ["transform", "ask"]


def test_jobs_of_a_forest_run_without_settings_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    model = RandomForestClassifier(4, random_state=0, n_jobs=2).fit(ROWS, LABELS)
    predictor = SklearnPredictor(model, CONTRACT)
    assert model.n_jobs == 1
    monkeypatch.setattr("sklearn.utils.parallel.config_context", None)  # would be called for each tree
    assert len(predictor.predict({name: ROWS[name].to_numpy() for name in ROWS})["label"]) == len(ROWS)
