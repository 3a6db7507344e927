"""Registration of XGBoost and LightGBM: native files, and estimators inside pickled pipelines."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from interlock.domain.errors import ModelFailedError, UnloadableModelError
from interlock.domain.ports import Columns
from interlock.registry import compile_boosters
from interlock.runtimes.predictors import load_predictor

MakeRows = Callable[[int, int], pd.DataFrame]
NUMBERS = ["temp", "hour", "weekend"]
INPUTS = [*NUMBERS, "carrier"]
FEW: dict[str, Any] = {"n_estimators": 10}


def columns_of(rows: pd.DataFrame) -> Columns:
    return {name: rows[name].to_numpy(dtype=object if name == "carrier" else None) for name in rows}


def save(model: Any, path: Path) -> Path:
    native = model.booster_ if hasattr(model, "booster_") else model
    native.save_model(path)
    return path


CLASSIFIERS = [
    pytest.param(xgboost.XGBClassifier(**FEW), "m.json", id="xgboost json"),
    pytest.param(xgboost.XGBClassifier(**FEW), "m.ubj", id="xgboost ubj"),
    pytest.param(xgboost.XGBClassifier(**FEW, objective="multi:softmax"), "m.json", id="xgboost softmax"),
    pytest.param(lightgbm.LGBMClassifier(**FEW, verbose=-1), "m.txt", id="lightgbm"),
]


@pytest.mark.parametrize(("model", "name"), CLASSIFIERS)
@pytest.mark.parametrize("truth", ["late", "slot"])
def test_a_native_classifier_is_compiled_and_served_inline(
    desk: Any, make_rows: MakeRows, model: Any, name: str, truth: str
) -> None:
    if truth == "late" and getattr(model, "objective", None) == "multi:softmax":
        pytest.skip("softmax is for more than two classes")
    rows, unseen = make_rows(600, 1), make_rows(200, 2)
    rows["slot"], unseen["slot"] = rows["hour"] // 8, unseen["hour"] // 8
    model.fit(rows[NUMBERS], rows[truth])
    version = desk.register(save(model, desk.folder / name), unseen[[*NUMBERS, truth]], label=truth)
    assert (version.serving_format, version.placement) == ("onnx", "inline"), version.parity
    assert version.contract.classes == ((False, True) if truth == "late" else (0, 1, 2))
    assert version.contract.inputs[0].nullable
    predictor = load_predictor(version, desk.artifacts)
    outputs = predictor.predict(columns_of(unseen[NUMBERS]))
    np.testing.assert_allclose(outputs["probabilities"], model.predict_proba(unseen[NUMBERS]), atol=1e-5)
    assert outputs["label"].tolist() == model.predict(unseen[NUMBERS]).tolist()


@pytest.mark.parametrize(
    ("model", "name"),
    [
        pytest.param(xgboost.XGBRegressor(**FEW), "m.ubj", id="xgboost"),
        pytest.param(xgboost.XGBRegressor(**FEW, objective="count:poisson"), "m.ubj", id="xgboost poisson"),
        pytest.param(xgboost.XGBRegressor(**FEW, booster="gblinear"), "m.json", id="xgboost linear"),
        pytest.param(lightgbm.LGBMRegressor(**FEW, verbose=-1), "m.txt", id="lightgbm"),
        pytest.param(lightgbm.LGBMRegressor(**FEW, objective="tweedie", verbose=-1), "m.txt", id="lightgbm tweedie"),
    ],
)
def test_a_native_regressor_answers_as_its_framework(desk: Any, make_rows: MakeRows, model: Any, name: str) -> None:
    rows, unseen = make_rows(600, 1).dropna(), make_rows(200, 2).dropna()
    model.fit(rows[NUMBERS], rows["price"])
    version = desk.register(save(model, desk.folder / name), unseen[[*NUMBERS, "price"]], label="price")
    assert version.contract.task == "regression"
    predictor = load_predictor(version, desk.artifacts)
    prediction = predictor.predict(columns_of(unseen[NUMBERS]))["prediction"]
    np.testing.assert_allclose(prediction, model.predict(unseen[NUMBERS]), rtol=1e-4)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        pytest.param(xgboost.XGBClassifier(**FEW, enable_categorical=True), "m.ubj", id="xgboost"),
        pytest.param(lightgbm.LGBMClassifier(**FEW, verbose=-1), "m.txt", id="lightgbm"),
    ],
)
def test_categories_are_read_from_the_file_and_served_by_the_original(
    desk: Any, make_rows: MakeRows, model: Any, name: str
) -> None:
    def categorical(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(carrier=pd.Categorical(rows["carrier"], categories=["UA", "AA", "B6"]))

    rows, unseen = make_rows(600, 1), make_rows(200, 2)
    model.fit(categorical(rows)[INPUTS], rows["late"])
    version = desk.register(save(model, desk.folder / name), unseen[[*INPUTS, "late"]], label="late")
    assert (version.placement, version.parity.proven) == ("isolated", False)
    assert "its categories are texts (carrier)" in version.parity.reason
    predictor = load_predictor(version, desk.artifacts)
    outputs = predictor.predict(columns_of(unseen[INPUTS]))
    expected = model.predict_proba(categorical(unseen)[INPUTS])
    np.testing.assert_allclose(outputs["probabilities"], expected, atol=1e-6)
    never_met = {**columns_of(unseen[INPUTS].head(1)), "carrier": np.array(["ZZ"], dtype=object)}
    if name == "m.ubj":
        with pytest.raises(ModelFailedError, match="carrier == 'ZZ', a category that the model was not trained with"):
            predictor.predict(never_met)
    else:
        assert predictor.predict(never_met)["probabilities"].shape == (1, 2)


def test_what_early_stopping_found_best_is_what_answers(desk: Any, make_rows: MakeRows) -> None:
    rows, unseen = make_rows(600, 1), make_rows(200, 2)
    model = xgboost.XGBClassifier(n_estimators=200, learning_rate=1.0, early_stopping_rounds=5)
    model.fit(rows[NUMBERS], rows["late"], eval_set=[(unseen[NUMBERS], unseen["late"])], verbose=False)
    assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    version = desk.register(save(model, desk.folder / "m.ubj"), unseen[[*NUMBERS, "late"]], label="late")
    outputs = load_predictor(version, desk.artifacts).predict(columns_of(unseen[NUMBERS]))
    np.testing.assert_allclose(outputs["probabilities"], model.predict_proba(unseen[NUMBERS]), atol=1e-5)


def test_labels_without_probabilities(desk: Any, make_rows: MakeRows) -> None:
    rows, unseen = make_rows(600, 1), make_rows(200, 2)
    model = xgboost.XGBClassifier(**FEW, objective="binary:hinge").fit(rows[NUMBERS], rows["late"])
    version = desk.register(save(model, desk.folder / "m.ubj"), unseen[[*NUMBERS, "late"]], label="late")
    assert [field.name for field in version.contract.outputs] == ["label"]
    assert version.parity.reason == "it gives classes without probabilities"
    label = load_predictor(version, desk.artifacts).predict(columns_of(unseen[NUMBERS]))["label"]
    assert label.tolist() == model.predict(unseen[NUMBERS]).astype(bool).tolist()


def test_a_file_without_reference_takes_its_own_columns_and_counts_its_classes(desk: Any, make_rows: MakeRows) -> None:
    rows = make_rows(300, 1)
    model = lightgbm.LGBMClassifier(**FEW, verbose=-1).fit(rows[NUMBERS], rows["late"])
    version = desk.register(save(model, desk.folder / "m.txt"))
    assert [field.name for field in version.contract.inputs] == NUMBERS
    assert version.contract.classes == (0, 1)
    assert any("taken for 0 to 1" in warning for warning in version.warnings)
    assert (version.placement, version.serving_format) == ("isolated", "lightgbm")


def test_classes_that_do_not_fit_the_label_are_refused(desk: Any, make_rows: MakeRows) -> None:
    rows = make_rows(300, 1)
    model = xgboost.XGBClassifier(**FEW).fit(rows[NUMBERS], rows["late"])
    with pytest.raises(UnloadableModelError, match="knows 2 classes, and the label has 3 values"):
        desk.register(save(model, desk.folder / "m.ubj"), rows[[*NUMBERS, "carrier"]], label="carrier")


@pytest.mark.parametrize("encoder", [OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
                                     OneHotEncoder(handle_unknown="ignore", sparse_output=False)],
                         ids=["ordinal", "one hot"])  # fmt: skip
@pytest.mark.parametrize(
    ("model", "truth"),
    [
        pytest.param(xgboost.XGBClassifier(**FEW), "late", id="xgboost classifier"),
        pytest.param(xgboost.XGBRegressor(**FEW), "price", id="xgboost regressor"),
        pytest.param(lightgbm.LGBMClassifier(**FEW, verbose=-1), "carrier", id="lightgbm classifier"),
        pytest.param(lightgbm.LGBMRegressor(**FEW, verbose=-1), "price", id="lightgbm regressor"),
    ],
)
def test_boosters_in_pickled_pipelines_are_compiled_with_their_texts_and_missing_values(
    desk: Any, make_rows: MakeRows, model: Any, truth: str, encoder: Any
) -> None:
    rows, unseen = make_rows(600, 1), make_rows(200, 2)
    columns = ColumnTransformer([("text", encoder, ["carrier"])], remainder="passthrough")
    pipeline: Pipeline = make_pipeline(columns, model).fit(rows[INPUTS], rows[truth])
    joblib.dump(pipeline, desk.folder / "m.joblib")
    reference = unseen[INPUTS] if truth == "carrier" else unseen[[*INPUTS, truth]]
    label = None if truth == "carrier" else truth
    version = desk.register(desk.folder / "m.joblib", reference, label=label, trust_pickle=True)
    assert (version.serving_format, version.placement) == ("onnx", "inline"), version.parity
    assert version.parity.worst_difference <= 1e-5
    assert set(version.parity.worst_row) == set(INPUTS)
    assert {"xgboost", "lightgbm"} & version.frameworks.keys()
    outputs = load_predictor(version, desk.artifacts).predict(columns_of(unseen[INPUTS]))
    if truth == "price":
        np.testing.assert_allclose(outputs["prediction"], pipeline.predict(unseen[INPUTS]), rtol=1e-5)
    else:
        np.testing.assert_allclose(outputs["probabilities"], pipeline.predict_proba(unseen[INPUTS]), atol=1e-5)


def test_without_onnxmltools_the_original_is_served_with_what_to_install(
    desk: Any, make_rows: MakeRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compile_boosters, "find_spec", lambda name: None)
    rows, unseen = make_rows(300, 1), make_rows(100, 2)
    model = xgboost.XGBClassifier(**FEW).fit(rows[NUMBERS], rows["late"])
    version = desk.register(save(model, desk.folder / "m.ubj"), unseen[[*NUMBERS, "late"]], label="late")
    assert (version.serving_format, version.placement) == ("xgboost", "isolated")
    assert "pip install 'interlock[xgboost]'" in version.parity.reason


def test_a_twin_that_is_wrong_is_not_served_and_its_worst_row_is_shown(
    desk: Any, make_rows: MakeRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, unseen = make_rows(300, 1), make_rows(100, 2)
    model = xgboost.XGBClassifier(**FEW).fit(rows[NUMBERS], rows["late"])
    other = xgboost.XGBClassifier(n_estimators=2).fit(rows[NUMBERS], rows["late"])
    convert = compile_boosters._converted
    monkeypatch.setattr(
        compile_boosters, "_converted", lambda kind, booster, width: convert(kind, other.get_booster(), width)
    )
    version = desk.register(save(model, desk.folder / "m.ubj"), unseen[[*NUMBERS, "late"]], label="late")
    assert (version.serving_format, version.parity.proven) == ("xgboost", False)
    assert set(version.parity.worst_row) == set(NUMBERS)
    assert version.parity.worst_difference > 1e-5


@pytest.mark.parametrize("name", ["m.json", "m.ubj", "m.txt"])
@pytest.mark.parametrize("content", ["empty", "text", "cut off"])
def test_a_file_that_is_none_is_refused_in_one_sentence(
    desk: Any, make_rows: MakeRows, name: str, content: str
) -> None:
    rows = make_rows(100, 1)
    model = (lightgbm.LGBMClassifier(**FEW, verbose=-1) if name == "m.txt" else xgboost.XGBClassifier(**FEW)).fit(
        rows[NUMBERS], rows["late"]
    )
    path = save(model, desk.folder / name)
    whole = path.read_bytes()
    path.write_bytes({"empty": b"", "text": b"just some text\n", "cut off": whole[: len(whole) // 2]}[content])
    with pytest.raises(UnloadableModelError, match=rf"^{name} is not a (loadable|model)") as refused:
        desk.register(path)
    assert "\n" not in str(refused.value)
