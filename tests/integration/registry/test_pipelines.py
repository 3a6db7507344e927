"""The pipelines that people train on tables: texts, missing values, and every usual way of dealing with both."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from interlock.domain.ports import Columns
from interlock.runtimes.predictors import load_predictor

NUMBERS, TEXTS = ["temp", "hour", "weekend"], ["carrier", "origin"]
INPUTS = [*NUMBERS, *TEXTS]
MakeRows = Callable[[int, int], pd.DataFrame]


@pytest.fixture(scope="module")
def make_flights(make_rows: MakeRows) -> MakeRows:
    """As `make_rows`, with a second text, and a tenth of the carriers missing."""

    def make(count: int, seed: int) -> pd.DataFrame:
        rows, rng = make_rows(count, seed), np.random.default_rng(seed + 100)
        carrier = rows["carrier"].where(rng.random(count) > 0.1, None)
        return rows.assign(carrier=carrier, origin=rng.choice(["EWR", "JFK"], count))

    return make


def scaled(**imputer: Any) -> Pipeline:
    return make_pipeline(SimpleImputer(**{"strategy": "median", **imputer}), StandardScaler())


def one_hot(**imputer: Any) -> Pipeline:
    imputers = [SimpleImputer(**imputer)] if imputer else []
    return make_pipeline(*imputers, OneHotEncoder(handle_unknown="ignore"))


def ordinal(**options: Any) -> OrdinalEncoder:
    return OrdinalEncoder(handle_unknown="use_encoded_value", **{"unknown_value": -1, **options})


def both(numbers: Any, texts: Any, *more: Any) -> Pipeline:
    return make_pipeline(ColumnTransformer([("numbers", numbers, NUMBERS), ("texts", texts, TEXTS)]), *more)


MOST_FREQUENT, CONSTANT = {"strategy": "most_frequent"}, {"strategy": "constant", "fill_value": "none"}
LINEAR = LogisticRegression(max_iter=1000)
BOOSTED = HistGradientBoostingClassifier(max_iter=10)

CLASSIFIERS = {
    "most frequent text, one hot": both(scaled(), one_hot(**MOST_FREQUENT), LINEAR),
    "constant text, one hot": both(scaled(), one_hot(**CONSTANT), LINEAR),
    "missing text is a category": both(scaled(), one_hot(), LINEAR),
    "indicators of missing numbers": both(scaled(add_indicator=True), one_hot(**MOST_FREQUENT), LINEAR),
    "ordinal, a missing text is a missing number": both("passthrough", ordinal(), BOOSTED),
    "ordinal, a missing text has a code": both("passthrough", ordinal(encoded_missing_value=-2), BOOSTED),
    "ordinal, an unknown text is a missing number": both("passthrough", ordinal(unknown_value=np.nan), BOOSTED),
    "random forest": both(scaled(), one_hot(**MOST_FREQUENT), RandomForestClassifier(20, random_state=0)),
    "extra trees": both(scaled(), one_hot(**MOST_FREQUENT), ExtraTreesClassifier(20, random_state=0)),
    "gradient boosting": both(scaled(), one_hot(**MOST_FREQUENT), GradientBoostingClassifier(n_estimators=10)),
    "network": both(scaled(), one_hot(**MOST_FREQUENT), MLPClassifier((8,), max_iter=500, random_state=0)),
    "calibrated": both(scaled(), one_hot(**MOST_FREQUENT), CalibratedClassifierCV(LINEAR)),
}


def columns_of(rows: pd.DataFrame) -> Columns:
    texts = {name: np.array([None if pd.isna(one) else one for one in rows[name]], dtype=object) for name in TEXTS}
    return {**{name: rows[name].to_numpy() for name in NUMBERS}, **texts}


@pytest.mark.parametrize("pipeline", CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_it_is_compiled_proven_and_answers_like_the_original(
    desk: Any, make_flights: MakeRows, pipeline: Pipeline
) -> None:
    rows, unseen = make_flights(600, 1), make_flights(200, 2)
    pipeline.fit(rows[INPUTS], rows["late"])
    version = desk.register(desk.save(pipeline), unseen[[*INPUTS, "late"]], label="late")
    assert (version.serving_format, version.placement) == ("onnx", "inline"), version.parity
    assert set(version.parity.worst_row) == set(INPUTS)
    outputs = load_predictor(version, desk.artifacts).predict(columns_of(unseen))
    np.testing.assert_allclose(outputs["probabilities"], pipeline.predict_proba(unseen[INPUTS]), atol=1e-5)
    assert outputs["label"].tolist() == pipeline.predict(unseen[INPUTS]).tolist()


@pytest.mark.parametrize("last", [Ridge(), HistGradientBoostingRegressor(max_iter=10)], ids=["ridge", "boosting"])
def test_a_regression_too(desk: Any, make_flights: MakeRows, last: Any) -> None:
    rows, unseen = make_flights(600, 1), make_flights(200, 2)
    pipeline = both(scaled(), one_hot(**MOST_FREQUENT).set_params(onehotencoder__sparse_output=False), last)
    pipeline.fit(rows[INPUTS], rows["price"])
    version = desk.register(desk.save(pipeline), unseen[[*INPUTS, "price"]], label="price")
    assert (version.serving_format, version.placement) == ("onnx", "inline"), version.parity
    prediction = load_predictor(version, desk.artifacts).predict(columns_of(unseen))["prediction"]
    np.testing.assert_allclose(prediction, pipeline.predict(unseen[INPUTS]), rtol=1e-5)


def test_texts_that_look_like_missing_ones_are_texts(desk: Any, make_flights: MakeRows) -> None:
    def renamed(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(carrier=rows["carrier"].replace({"AA": "nan", "B6": "None", "UA": ""}))

    rows, unseen = renamed(make_flights(600, 1)), renamed(make_flights(200, 2))
    pipeline = both(scaled(), one_hot(**MOST_FREQUENT), LINEAR).fit(rows[INPUTS], rows["late"])
    version = desk.register(desk.save(pipeline), unseen[[*INPUTS, "late"]], label="late")
    assert version.parity.proven, version.parity
    outputs = load_predictor(version, desk.artifacts).predict(columns_of(unseen))
    np.testing.assert_allclose(outputs["probabilities"], pipeline.predict_proba(unseen[INPUTS]), atol=1e-5)


@pytest.mark.parametrize(
    ("texts", "last", "said"),
    [
        pytest.param(
            ordinal(encoded_missing_value=-1),
            HistGradientBoostingClassifier(max_iter=5, categorical_features=[3, 4]),
            "the twin gives another class",
            id="splits on categories",
        ),
        pytest.param(
            OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=0.2),
            LINEAR,
            "the twin refuses",
            id="infrequent categories",
        ),
    ],
)
def test_what_cannot_be_proven_is_served_by_the_original_which_says_why(
    desk: Any, make_flights: MakeRows, texts: Any, last: Any, said: str
) -> None:
    rows, unseen = make_flights(600, 1), make_flights(200, 2)
    pipeline = both(SimpleImputer(), texts, last).fit(rows[INPUTS], rows["late"])
    version = desk.register(desk.save(pipeline), unseen[[*INPUTS, "late"]], label="late")
    assert (version.serving_format, version.placement) == ("skops", "isolated")
    assert said in version.parity.reason
    assert set(version.parity.worst_row) == set(INPUTS)
    assert f"not compiled: {version.parity.reason}" in " ".join(version.warnings)
