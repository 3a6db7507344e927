"""One question answered by a model of every kind: does a customer stay? Each with the file a user would have of it.

Numbers, whole numbers, booleans and text, some of them missing; kinds that take no text do without that column. Every
case brings answers that were computed without Interlock. An MLflow pyfunc model has no classes: it answers with the
probability that the customer stays.
"""

import pickle
import textwrap
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import joblib
import lightgbm
import mlflow
import numpy as np
import pandas as pd
import skops.io
import xgboost
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

ALL = ["amount", "visits", "trial", "plan"]
NUMBERS = ["amount", "visits", "trial"]

Answer = Callable[[pd.DataFrame], NDArray[np.float64]]
"""Probabilities of the classes for each row, or of one, by the model itself."""


@dataclass(frozen=True)
class Made:
    """A model as a user has it.

    Args:
        source: File or folder.
        inputs: Columns it takes.
        answer: The model itself.
        entry: Of a Python class.
        classes: As it was trained; None: it gives a number.
    """

    source: Path
    inputs: list[str]
    answer: Answer
    entry: str = ""
    classes: tuple[str, str] | tuple[bool, bool] | None = ("leaves", "stays")


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


def pipeline() -> Pipeline:
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1)
    columns = ColumnTransformer([("plan", encoder, ["plan"])], remainder="passthrough")
    model = Pipeline([("columns", columns), ("classifier", HistGradientBoostingClassifier(max_iter=5))])
    rows = make_rows(600, seed=1)
    return model.fit(rows, truth(rows))


def make_skops(folder: Path) -> Made:
    model = pipeline()
    skops.io.dump(model, folder / "churn.skops")
    return Made(folder / "churn.skops", ALL, model.predict_proba)


def make_pickle(folder: Path) -> Made:
    model = pipeline()
    joblib.dump(model, folder / "churn.joblib")
    return Made(folder / "churn.joblib", ALL, model.predict_proba)


def make_mlflow(folder: Path) -> Made:
    model = pipeline()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own, about type hints and about pickle
        mlflow.sklearn.save_model(model, str(folder / "churn_mlflow"), serialization_format="cloudpickle")
    return Made(folder / "churn_mlflow", ALL, model.predict_proba)


def make_pyfunc(folder: Path) -> Made:
    model = pipeline()

    class Stays(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is not typed
        def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> Any:
            return model.predict_proba(model_input)[:, 1]

    def answer(given: pd.DataFrame) -> NDArray[np.float64]:
        return np.asarray(model.predict_proba(given)[:, 1])

    rows = make_rows(600, seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own, as above
        signature = mlflow.models.infer_signature(rows, answer(rows))
        mlflow.pyfunc.save_model(str(folder / "stays"), python_model=Stays(), signature=signature)
    return Made(folder / "stays", ALL, answer, classes=None)


_CHURN = """
import joblib
import pandas

class Churn:
    classes = ("leaves", "stays")

    def load(self, path):
        self.model = joblib.load(f"{path}/churn.joblib")

    def predict(self, columns):
        return self.model.predict_proba(pandas.DataFrame(columns))
"""


def make_python(folder: Path) -> Made:
    model = pipeline()
    code = folder / "churn_code"
    code.mkdir()
    (code / "churn_class.py").write_text(textwrap.dedent(_CHURN))
    joblib.dump(model, code / "churn.joblib")
    return Made(code, ALL, model.predict_proba, entry="churn_class.Churn")


def make_lightgbm(folder: Path) -> Made:
    rows = make_rows(600, seed=1)
    plans = pd.CategoricalDtype(["free", "pro", "team"])
    model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1)
    model.fit(rows.astype({"plan": plans}), truth(rows))
    model.booster_.save_model(folder / "churn.txt")

    def answer(given: pd.DataFrame) -> NDArray[np.float64]:
        # LightGBM takes what it never met for missing; pandas warns of it before LightGBM sees it.
        met = given["plan"].where(given["plan"].isin(plans.categories))
        return np.asarray(model.predict_proba(given.assign(plan=met.astype(plans))))

    return Made(folder / "churn.txt", ALL, answer)


def make_xgboost(folder: Path) -> Made:
    rows = make_rows(600, seed=1)
    model = xgboost.XGBClassifier(n_estimators=5)
    model.fit(rows[NUMBERS], truth(rows) == "stays")
    model.save_model(folder / "churn.ubj")
    return Made(folder / "churn.ubj", NUMBERS, model.predict_proba)


def make_river(folder: Path) -> Made:
    compose, linear, preprocessing, stats = map(
        import_module, ("river.compose", "river.linear_model", "river.preprocessing", "river.stats")
    )
    imputer = preprocessing.StatImputer(("amount", stats.Mean()))
    numbers = compose.Select("amount", "visits", "trial") | imputer | preprocessing.StandardScaler()
    model = (numbers + (compose.Select("plan") | preprocessing.OneHotEncoder())) | linear.LogisticRegression()
    rows = make_rows(600, seed=1)
    for row, label in zip(_records(rows), truth(rows), strict=True):
        model.learn_one(row, bool(label == "stays"))
    (folder / "churn.pkl").write_bytes(pickle.dumps(model))

    def answer(given: pd.DataFrame) -> NDArray[np.float64]:
        stays = [model.predict_proba_one(row)[True] for row in _records(given)]
        return np.column_stack([1 - np.array(stays), stays])

    return Made(folder / "churn.pkl", ALL, answer, classes=(False, True))


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as River's imputers want them: None where a value is missing."""
    return [{name: None if pd.isna(value) else value for name, value in row.items()} for row in rows.to_dict("records")]


def make_torch_export(folder: Path) -> Made:
    torch, model, answer = _network()
    batch = torch.export.Dim("batch")
    program = torch.export.export(model, (torch.zeros(4, len(NUMBERS)),), dynamic_shapes={"rows": {0: batch}})
    torch.export.save(program, folder / "churn.pt2")
    return Made(folder / "churn.pt2", NUMBERS, answer)


def make_torchscript(folder: Path) -> Made:
    torch, model, answer = _network()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated; files of it go on living
        torch.jit.script(model).save(str(folder / "churn.pt"))
    return Made(folder / "churn.pt", NUMBERS, answer)


def _network() -> tuple[Any, Any, Answer]:
    torch = import_module("torch")
    from tests.checks.runtimes.network import Network  # a module of torch, which may not be installed

    torch.manual_seed(0)
    model = Network().eval()

    def answer(given: pd.DataFrame) -> NDArray[np.float64]:
        with torch.inference_mode():
            rows = torch.as_tensor(given[NUMBERS].to_numpy(dtype=np.float32))
            return np.asarray(model(rows).numpy(), dtype=np.float64)

    return torch, model, answer


MAKERS: dict[str, Callable[[Path], Made]] = {
    "skops": make_skops,
    "pickle": make_pickle,
    "mlflow": make_mlflow,
    "pyfunc": make_pyfunc,
    "python": make_python,
    "lightgbm": make_lightgbm,
    "xgboost": make_xgboost,
    "river": make_river,
    "torch_export": make_torch_export,
    "torchscript": make_torchscript,
}
