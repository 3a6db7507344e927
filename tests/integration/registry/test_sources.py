"""Registration from ONNX files and MLflow folders of other people."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import onnx
import pandas as pd
import pytest
from skl2onnx import to_onnx
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression

from interlock.domain.errors import UnloadableModelError
from interlock.runtimes.predictors import load_predictor

MakeRows = Callable[[int, int], pd.DataFrame]
INPUTS = ["temp", "hour"]


@pytest.fixture
def rows(make_rows: MakeRows) -> pd.DataFrame:
    return make_rows(400, 1).fillna({"temp": 20.0})


def save_graph(model: Any, path: Path, **options: Any) -> Path:
    path.write_bytes(to_onnx(model, np.zeros((1, 2), dtype=np.float32), **options).SerializeToString())
    return path


def save_folder(model: Any, path: Path, **options: Any) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own, about integers, type hints and pickle
        mlflow.sklearn.save_model(model, str(path), **options)
    return path


def array(rows: pd.DataFrame) -> Any:
    return rows[INPUTS].to_numpy()


@pytest.mark.parametrize("zipmap", [True, False])
@pytest.mark.parametrize("name", ["graph.onnx", "graph.bin"])
def test_an_onnx_classifier_with_a_matrix_input(desk: Any, rows: pd.DataFrame, zipmap: bool, name: str) -> None:
    model = LogisticRegression(max_iter=500).fit(array(rows), rows["carrier"])
    source = save_graph(model, desk.folder / name, options={"zipmap": zipmap})
    version = desk.register(source, rows[[*INPUTS, "carrier"]], label="carrier")
    assert (version.model_format, version.placement) == ("onnx", "inline")
    assert [(field.name, field.datatype) for field in version.contract.inputs] == [("temp", "FP64"), ("hour", "INT64")]
    assert version.contract.classes == ("AA", "B6", "UA")
    outputs = load_predictor(version, desk.artifacts).predict({name: rows[name].to_numpy() for name in INPUTS})
    np.testing.assert_allclose(outputs["probabilities"], model.predict_proba(array(rows)), atol=1e-5)
    assert outputs["label"].tolist() == model.predict(array(rows)).tolist()


def test_an_onnx_graph_without_reference_takes_its_vector(desk: Any, rows: pd.DataFrame) -> None:
    model = LinearRegression().fit(array(rows), rows["price"])
    version = desk.register(save_graph(model, desk.folder / "graph.onnx"))
    assert [(field.name, field.datatype, field.shape) for field in version.contract.inputs] == [("X", "FP32", (2,))]
    assert version.contract.task == "regression"
    outputs = load_predictor(version, desk.artifacts).predict({"X": array(rows).astype(float)})
    np.testing.assert_allclose(outputs["prediction"], model.predict(array(rows)), rtol=1e-4)


def test_a_reference_of_another_width_than_the_graph_is_refused(desk: Any, rows: pd.DataFrame) -> None:
    model = LinearRegression().fit(array(rows), rows["price"])
    with pytest.raises(Exception, match=r"takes 2 values a row, and the reference has 3 columns.*--label"):
        desk.register(save_graph(model, desk.folder / "graph.onnx"), rows[[*INPUTS, "price"]])


def test_a_truncated_graph_is_refused(desk: Any, rows: pd.DataFrame) -> None:
    source = save_graph(LinearRegression().fit(array(rows), rows["price"]), desk.folder / "graph.onnx")
    source.write_bytes(source.read_bytes()[:-40])
    with pytest.raises(UnloadableModelError, match=r"^graph\.onnx is not a loadable ONNX model: it is empty, cut off"):
        desk.register(source)


def test_a_graph_that_names_no_classes_learns_them_from_the_label(desk: Any, rows: pd.DataFrame) -> None:
    model = LogisticRegression(max_iter=500).fit(array(rows), rows["late"].to_numpy().astype(int))
    source = save_graph(model, desk.folder / "graph.onnx", options={"zipmap": False})
    graph = onnx.load(str(source))
    graph.graph.output.remove(graph.graph.output[0])  # probabilities only
    onnx.save(graph, str(source))
    version = desk.register(source, rows[[*INPUTS, "late"]].astype({"late": int}), label="late")
    assert (version.contract.task, version.contract.classes) == ("binary", (0, 1))
    outputs = load_predictor(version, desk.artifacts).predict({name: rows[name].to_numpy() for name in INPUTS})
    assert outputs["label"].tolist() == model.predict(array(rows)).tolist()


def test_an_mlflow_folder_with_a_signature_needs_no_reference(desk: Any, rows: pd.DataFrame) -> None:
    model = HistGradientBoostingClassifier(max_iter=5).fit(rows[INPUTS].astype(float), rows["late"].astype(int))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        signature = mlflow.models.infer_signature(rows[INPUTS].astype(float), model.predict(rows[INPUTS]))
    source = save_folder(model, desk.folder / "churn", signature=signature, serialization_format="cloudpickle")
    with pytest.raises(UnloadableModelError, match="--trust-pickle"):
        desk.register(source)
    version = desk.register(source, trust_pickle=True)
    assert (version.model_format, version.serving_format) == ("mlflow", "mlflow")
    assert [(field.name, field.datatype) for field in version.contract.inputs] == [("temp", "FP64"), ("hour", "FP64")]
    outputs = load_predictor(version, desk.artifacts).predict({name: rows[name].to_numpy(float) for name in INPUTS})
    np.testing.assert_allclose(outputs["probabilities"], model.predict_proba(rows[INPUTS].astype(float)))


def test_an_mlflow_folder_saved_with_skops_is_compiled_without_trust(real_desk: Any, rows: pd.DataFrame) -> None:
    model = LogisticRegression(max_iter=500).fit(rows[INPUTS], rows["late"])
    source = save_folder(model, real_desk.folder / "churn", serialization_format="skops")
    version = real_desk.register(source, rows[[*INPUTS, "late"]], label="late")
    assert (version.model_format, version.serving_format, version.parity.proven) == ("mlflow", "onnx", True)


def test_a_pyfunc_folder_is_served_through_mlflow(real_desk: Any, rows: pd.DataFrame) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")

        class Doubles(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is not typed
            def predict(self, model_input: pd.DataFrame) -> Any:
                return model_input["temp"] * 2

        signature = mlflow.models.infer_signature(rows[["temp"]], rows["temp"].to_numpy())
        mlflow.pyfunc.save_model(str(real_desk.folder / "doubles"), python_model=Doubles(), signature=signature)
    reference = rows[["temp", "price"]]
    version = real_desk.register(real_desk.folder / "doubles", reference, label="price", trust_pickle=True)
    assert (version.serving_format, version.placement, version.contract.task) == ("mlflow", "isolated", "regression")
    predictor = load_predictor(version, real_desk.artifacts)
    assert predictor.predict({"temp": np.array([1.0, 2.5])})["prediction"].tolist() == [2.0, 5.0]
    predictor.close()


def test_parameters_of_a_signature_are_given_to_the_model_request_by_request(
    real_desk: Any, rows: pd.DataFrame
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")

        class Scales(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is not typed
            def predict(self, model_input: pd.DataFrame, params: Any = None) -> Any:
                sign = -1.0 if params["mode"] == "minus" else 1.0
                return model_input["temp"] * params["scale"] * sign + sum(params["weights"])

        params = {"scale": 2.0, "mode": "plain", "weights": np.array([0.5, 0.5]), "output": "x"}
        signature = mlflow.models.infer_signature(rows[["temp"]], rows["temp"].to_numpy(), params)
        mlflow.pyfunc.save_model(str(real_desk.folder / "scales"), python_model=Scales(), signature=signature)
    reference = rows[["temp", "price"]]
    version = real_desk.register(real_desk.folder / "scales", reference, label="price", trust_pickle=True)
    fields = {field.name: (field.datatype, field.default) for field in version.contract.inputs if field.is_parameter}
    assert fields == {"scale": ("FP64", 2.0), "mode": ("BYTES", "plain"), "weights": ("FP64", (0.5, 0.5))}
    assert any("cannot give the parameter 'output'" in warning for warning in version.warnings)
    predictor = load_predictor(version, real_desk.artifacts)
    columns = {
        "temp": np.array([1.0, 2.0, 3.0]),
        "scale": np.array([2.0, 10.0, 2.0]),
        "mode": np.array(["plain", "minus", "plain"], dtype=object),
        "weights": np.array([[0.5, 0.5], [0.0, 1.0], [0.5, 0.5]]),
    }
    assert predictor.predict(columns)["prediction"].tolist() == [3.0, -19.0, 7.0]
    predictor.close()


def test_parameters_are_for_models_that_only_mlflow_knows(desk: Any, rows: pd.DataFrame) -> None:
    model = LinearRegression().fit(rows[["temp"]], rows["price"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        signature = mlflow.models.infer_signature(rows[["temp"]], rows["price"].to_numpy(), {"predict_method": "x"})
        mlflow.sklearn.save_model(model, str(desk.folder / "line"), signature=signature, serialization_format="skops")
    version = desk.register(desk.folder / "line", rows[["temp", "price"]], label="price")
    assert [field.name for field in version.contract.inputs] == ["temp"]
    assert any("cannot give predict_method" in warning for warning in version.warnings)


def test_a_folder_that_is_no_model_is_refused(desk: Any) -> None:
    (desk.folder / "things").mkdir()
    (desk.folder / "things" / "notes.txt").write_text("hello")
    with pytest.raises(UnloadableModelError, match="no MLmodel file"):
        desk.register(desk.folder / "things")


class Custom(BaseEstimator):  # type: ignore[misc]  # scikit-learn is not typed
    """An estimator that is not scikit-learn's own."""

    def fit(self, rows: Any, truth: Any) -> "Custom":
        self.mean_ = float(np.mean(truth))
        return self

    def predict(self, rows: Any) -> Any:
        return np.full(len(rows), self.mean_)


def test_a_skops_file_with_foreign_types_is_refused_by_their_names(desk: Any, rows: pd.DataFrame) -> None:
    source = desk.save(Custom().fit(array(rows), rows["price"]))
    with pytest.raises(UnloadableModelError, match=r"holds .*Custom, which is not scikit-learn's own"):
        desk.register(source)


def test_an_estimator_that_is_not_fitted_is_refused(desk: Any) -> None:
    with pytest.raises(UnloadableModelError, match=r"LogisticRegression is not fitted; call fit\(\)"):
        desk.register(desk.save(LogisticRegression()))
