from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from interlock.registry.training_rows import warn_of_training_rows

COMPARED = [
    make_pipeline(StandardScaler(), LinearRegression()),
    make_pipeline(SimpleImputer(), StandardScaler(), LinearRegression()),
    make_pipeline(ColumnTransformer([("n", make_pipeline(SimpleImputer(), StandardScaler()), ["a"])]), Ridge()),
    make_pipeline(StandardScaler(), DecisionTreeRegressor()),
    KNeighborsRegressor(),
]
COUNTED = [
    DecisionTreeRegressor(),
    RandomForestRegressor(3, bootstrap=False),
    HistGradientBoostingRegressor(max_iter=2, early_stopping=False),
    GradientBoostingRegressor(n_estimators=2),
]


def rows(count: int, seed: int = 1) -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(seed).normal(size=(count, 2)), columns=["a", "b"])


def columns(frame: pd.DataFrame) -> dict[str, Any]:
    return {name: frame[name].to_numpy() for name in frame}


@pytest.mark.parametrize("model", COMPARED, ids=str)
def test_training_rows_are_noticed_and_the_other_half_of_a_split_is_not(model: Any) -> None:
    train = rows(80)
    model.fit(train, train["a"])
    shuffled = train.sample(frac=1, random_state=1)
    assert "are the rows the model was trained on" in (warn_of_training_rows(model, columns(shuffled)) or "")
    assert warn_of_training_rows(model, columns(rows(80, seed=2))) is None


@pytest.mark.parametrize("model", [StandardScaler(), KNeighborsRegressor()], ids=str)
def test_an_array_tells_as_much_as_a_frame(model: Any) -> None:
    train = rows(80)
    model.fit(train.to_numpy(), train["a"])
    assert warn_of_training_rows(model, columns(train)) is not None
    assert warn_of_training_rows(model, columns(rows(80, seed=2))) is None


@pytest.mark.parametrize("model", COUNTED, ids=str)
def test_a_count_alone_is_worded_as_what_it_is(model: Any) -> None:
    train = rows(80)
    model.fit(train, train["a"])
    warning = warn_of_training_rows(model, columns(rows(80, seed=2))) or ""
    assert warning.startswith("the reference has exactly as many rows (80) as ")
    assert "was trained on; if they are the same rows, give rows it has not seen" in warning
    assert warn_of_training_rows(model, columns(rows(81))) is None


def test_equal_means_of_more_rows_are_not_the_same_rows() -> None:
    train = rows(80)
    model = make_pipeline(StandardScaler(), LinearRegression()).fit(train, train["a"])
    doubled = {name: np.repeat(values, 2) for name, values in columns(train).items()}
    assert warn_of_training_rows(model, doubled) is None


def test_a_model_without_traces_gives_no_warning() -> None:
    train = rows(80)
    assert warn_of_training_rows(LinearRegression().fit(train, train["a"]), columns(train)) is None
