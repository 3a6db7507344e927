"""Models of images, dates, categories and tensors, from registration to an answer."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from onnx import TensorProto, helper
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from tests.graphs import graph, numbers, texts
from tests.pictures import encode, pixels

from interlock.domain.contract import Field, Image, Time
from interlock.domain.declaration import parse
from interlock.domain.errors import InvalidInputError, UnloadableModelError
from interlock.domain.model import ModelVersion
from interlock.registry.registration import Registration
from interlock.runtimes.predictors import load_predictor
from interlock.stats import image_descriptors


def save(desk: Any, model: bytes, name: str = "model.onnx") -> Path:
    path: Path = desk.folder / name
    path.write_bytes(model)
    return path


def parquet(desk: Any, **columns: Any) -> Path:
    path: Path = desk.folder / "rows.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def register(desk: Any, source: Path, reference: Path | None = None, **options: Any) -> ModelVersion:
    if "contract" in options:
        options["contract"] = parse(options["contract"])
    found: ModelVersion = desk.registry.register(Registration(name="m", source=source, reference=reference, **options))
    return found


def test_an_estimator_of_flat_rows_serves_images_by_their_files(desk: Any) -> None:
    digits = load_digits()
    images = (digits.images * 15).astype(np.uint8)[..., np.newaxis]
    model = LogisticRegression(max_iter=200).fit(images[:500].reshape(500, -1), digits.target[:500])
    reference = parquet(desk, digit=[encode(one) for one in images[500:700]], truth=digits.target[500:700])
    found = register(desk, desk.save(model), reference, label="truth")
    assert found.contract.inputs == (Field(name="digit", datatype="UINT8", shape=(8, 8, 1), image=Image()),)
    assert found.parity is not None
    assert found.parity.proven
    assert found.profile is not None
    features = {feature["name"] for feature in found.profile["spec"]["features"]}
    assert {f"digit.{name}" for name in image_descriptors.NAMES} <= features
    assert found.profile["quality"]["accuracy"] > 0.8
    predictor = load_predictor(found, desk.artifacts)
    answered = predictor.predict({"digit": images[700:]})["label"]
    assert answered.tolist() == model.predict(images[700:].reshape(len(images) - 700, -1)).tolist()


def test_a_graph_with_channels_first_is_declared_to_take_images(desk: Any) -> None:
    source = save(desk, numbers(TensorProto.FLOAT, 3, 4, 5))
    found = register(desk, source, contract={"inputs": {"x": {"type": "image", "resize": "nearest", "keep": "none"}}})
    taken = found.contract.inputs[0]
    assert (taken.shape, taken.datatype, taken.image) == ((4, 5, 3), "UINT8", Image(resize="nearest", keep=0.0))
    picture = pixels(4, 5)
    assert load_predictor(found, desk.artifacts).predict({"x": picture[None]})["prediction"] == picture.sum()


def test_reference_images_of_several_sizes_are_asked_one_size_at_a_time(desk: Any) -> None:
    source = save(desk, numbers(TensorProto.UINT8, None, None, 3))
    sizes = [(4, 5), (6, 5), (4, 5)]
    reference = parquet(desk, x=[encode(pixels(height, width)) for height, width in sizes] * 20)
    found = register(desk, source, reference)
    assert found.contract.inputs[0].shape == (-1, -1, 3)
    assert found.profile is not None
    assert found.profile["rows"] == 60


def hours(rows: pd.DataFrame) -> pd.DataFrame:
    """The hour of a time, in its own zone."""
    return pd.DataFrame({"hour": rows["at"].dt.hour, "size": rows["size"]})


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_a_model_of_timestamps_gets_those_it_was_trained_on(desk: Any, zone: str | None) -> None:
    at = pd.Series(pd.date_range("2026-03-01", periods=200, freq="37min").as_unit("ns"))
    rows = pd.DataFrame({"at": at if zone is None else at.dt.tz_localize("UTC").dt.tz_convert(zone), "size": 1.0})
    local = rows["at"].dt.hour
    model = make_pipeline(FunctionTransformer(hours), LinearRegression()).fit(rows[:100], local[:100])
    source = desk.folder / "model.pkl"
    source.write_bytes(pickle.dumps(model))
    found = register(desk, source, desk.reference(rows[100:]), trust_pickle=True)
    assert found.contract.inputs[0].time == Time(zone=zone, resolution="ns")
    assert any("models of dates" in warning for warning in found.warnings)
    assert found.profile is not None
    bins = {feature["name"]: feature["edges"] for feature in found.profile["spec"]["features"]}
    assert list(bins["at"]) == []  # that time moves on is no drift
    columns = {"at": rows["at"].to_numpy(dtype="datetime64[us]"), "size": np.ones(200)}
    answered = load_predictor(found, desk.artifacts).predict(columns)["prediction"]
    assert np.allclose(answered, local)


def test_a_model_of_pandas_categories_gets_these(desk: Any) -> None:
    rows = pd.DataFrame({"plan": pd.Categorical(["free", "pro", "team"] * 60), "size": np.arange(180.0)})
    model = HistGradientBoostingClassifier(categorical_features="from_dtype", max_iter=5).fit(
        rows, rows["plan"] == "pro"
    )
    found = register(desk, desk.save(model), desk.reference(rows))
    assert found.contract.inputs[0].is_category
    columns = {"plan": np.array(["pro", "free", "never seen", None], dtype=object), "size": np.ones(4)}
    answered = load_predictor(found, desk.artifacts).predict(columns)["label"]
    assert answered.tolist() == [True, False, False, False]


def test_a_graph_of_integers_takes_times_once_their_unit_is_declared(desk: Any) -> None:
    source = save(desk, numbers(TensorProto.INT64, 1))
    reference = parquet(desk, x=pa.array([0, 60_000], pa.timestamp("ms")))
    with pytest.raises(InvalidInputError, match="say what it counts"):
        register(desk, source, reference)
    found = register(desk, source, reference, contract={"inputs": {"x": {"type": "timestamp", "unit": "ms"}}})
    assert found.contract.inputs[0].time == Time(unit="ms", model_takes="integer", resolution="ms")
    answered = load_predictor(found, desk.artifacts).predict({"x": np.array([60_000_000], dtype="datetime64[us]")})
    assert answered["prediction"].tolist() == [60_000.0]


def test_a_graph_of_text_gets_dates_as_text(desk: Any) -> None:
    found = register(desk, save(desk, texts()), contract={"inputs": {"x": {"type": "date"}}})
    assert found.contract.inputs[0].time == Time(is_date=True, model_takes="text")
    days = np.array(["2026-03-01", "2026-03-02"], dtype="datetime64[us]")
    assert load_predictor(found, desk.artifacts).predict({"x": days})["prediction"].tolist() == [2.0, 0.0]


def test_what_a_graph_cannot_be_fed_with_is_refused(desk: Any) -> None:
    with pytest.raises(UnloadableModelError, match="is text in the contract, and the ONNX graph takes numbers"):
        register(desk, save(desk, numbers(TensorProto.FLOAT, 1)), contract={"inputs": {"x": {"type": "text"}}})
    said = {"inputs": {"x": {"type": "timestamp", "model_takes": "datetime"}}}
    with pytest.raises(UnloadableModelError, match="is a time, and the ONNX graph takes texts"):
        register(desk, save(desk, texts()), contract=said)


def two_inputs() -> bytes:
    """n plus the sum of a vector of any length."""
    made = helper.make_graph(
        [
            helper.make_node("ReduceSum", ["v", "axis"], ["sum"], keepdims=1),
            helper.make_node("Add", ["sum", "n"], ["prediction"]),
        ],
        "g",
        [
            helper.make_tensor_value_info("n", TensorProto.DOUBLE, [None, 1]),
            helper.make_tensor_value_info("v", TensorProto.DOUBLE, [None, None]),
        ],
        [helper.make_tensor_value_info("prediction", TensorProto.DOUBLE, [None, 1])],
        [helper.make_tensor("axis", TensorProto.INT64, [1], [1])],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def test_reference_data_describe_tensors_beside_numbers(desk: Any) -> None:
    reference = parquet(desk, n=[1.0, 2.0] * 30, v=[[1.0], [1.0, 2.0]] * 30)
    found = register(desk, save(desk, two_inputs()), reference, contract={"inputs": {"n": {"minimum": 0}}})
    assert [(field.name, field.shape) for field in found.contract.inputs] == [("n", ()), ("v", (-1,))]
    assert found.contract.inputs[0].declared
    assert found.profile is not None
    assert [feature["name"] for feature in found.profile["spec"]["features"]] == ["n", "output.prediction"]


def test_an_unknown_column_of_a_contract_file_is_named(desk: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"inputs\.y is not known; the model's inputs are x"):
        register(desk, save(desk, graph_of_one()), contract={"inputs": {"y": {"type": "number"}}})


def graph_of_one() -> bytes:
    return graph(TensorProto.DOUBLE, [1], [helper.make_node("Identity", ["x"], ["prediction"])])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # MLflow warns of type hints, of pickles, of its own defaults
def test_an_mlflow_signature_tells_datetimes_and_arrays(desk: Any) -> None:
    mlflow = pytest.importorskip("mlflow")
    types = pytest.importorskip("mlflow.types")
    schema = pytest.importorskip("mlflow.types.schema")

    class Hours(mlflow.pyfunc.PythonModel):  # type: ignore[misc, name-defined]  # MLflow has no types
        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
            return model_input["at"].dt.hour.to_numpy() + np.array([sum(values) for values in model_input["v"]])

    columns = [types.ColSpec(types.DataType.datetime, "at"), types.ColSpec(schema.Array(types.DataType.double), "v")]
    given, gives = types.Schema(columns), types.Schema([types.ColSpec(types.DataType.double)])
    signature = mlflow.models.ModelSignature(given, gives)
    mlflow.pyfunc.save_model(str(desk.folder / "hours"), python_model=Hours(), signature=signature)
    found = register(desk, desk.folder / "hours", trust_pickle=True)
    assert found.contract.inputs[0].time == Time(resolution="ns")
    at = np.array(["2026-03-01T05:30", "2026-03-01T06:30"], dtype="datetime64[us]")
    answered = load_predictor(found, desk.artifacts).predict({"at": at, "v": np.array([[1.0, 2.0], [3.0, 4.0]])})
    assert answered["prediction"].tolist() == [8.0, 13.0]
