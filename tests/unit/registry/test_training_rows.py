from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from interlock.registry.training_rows import warn_of_training_rows

MODELS = [
    make_pipeline(StandardScaler(), LinearRegression()),
    DecisionTreeRegressor(),
    RandomForestRegressor(3, bootstrap=False),
    HistGradientBoostingRegressor(max_iter=2, early_stopping=False),
    GradientBoostingRegressor(n_estimators=2),
    KNeighborsRegressor(),
]


def rows(count: int) -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(count).normal(size=(count, 2)), columns=["a", "b"])


def columns(frame: pd.DataFrame) -> dict[str, Any]:
    return {name: frame[name].to_numpy() for name in frame}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_training_rows_are_noticed_and_others_are_not(model: Any) -> None:
    train = rows(80)
    model.fit(train, train["a"])
    assert "rows the model was trained on" in (warn_of_training_rows(model, columns(train)) or "")
    assert warn_of_training_rows(model, columns(rows(81))) is None


def test_the_mean_tells_when_the_count_does_not() -> None:
    train = rows(80)
    model = make_pipeline(StandardScaler(), LinearRegression()).fit(train, train["a"])
    doubled = {name: np.repeat(values, 2) for name, values in columns(train).items()}
    assert "learnt exactly their mean" in (warn_of_training_rows(model, doubled) or "")


def test_a_model_without_traces_gives_no_warning() -> None:
    train = rows(80)
    assert warn_of_training_rows(LinearRegression().fit(train, train["a"]), columns(train)) is None
