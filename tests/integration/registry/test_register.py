"""Registration of real models in real child processes, and predictions of what was registered."""

import os
import pickle
import textwrap
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import LinearSVC

from interlock.domain.errors import InvalidInputError, ModelFailedError, NotFoundError, UnloadableModelError
from interlock.domain.pin import Pin, PinnedTable
from interlock.domain.ports import Columns
from interlock.registry.artifacts import ArtifactStore
from interlock.registry.register import examine_apart, register
from interlock.registry.registration import Registration
from interlock.runtimes.predictors import load_predictor

INPUTS = ["temp", "hour", "weekend", "carrier"]
NUMBERS = ["temp", "hour", "weekend"]
MakeRows = Callable[[int, int], pd.DataFrame]


def columns_of(rows: pd.DataFrame) -> Columns:
    return {name: rows[name].to_numpy(dtype=object if name == "carrier" else None) for name in INPUTS}


def linear(estimator: Any, *, unknown: str = "ignore") -> Pipeline:
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    texts = OneHotEncoder(handle_unknown=unknown, sparse_output=False)
    return make_pipeline(ColumnTransformer([("n", numbers, NUMBERS), ("t", texts, ["carrier"])]), estimator)


def encoded(estimator: Any) -> Pipeline:
    texts = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    return make_pipeline(ColumnTransformer([("t", texts, ["carrier"])], remainder="passthrough"), estimator)


def boosting(**options: Any) -> Pipeline:
    return encoded(HistGradientBoostingClassifier(max_iter=10, **options))


@pytest.mark.parametrize(
    "estimator",
    [
        pytest.param(linear(LogisticRegression()), id="logistic regression"),
        pytest.param(linear(RandomForestClassifier(10, random_state=1)), id="random forest"),
        pytest.param(boosting(), id="boosting"),
    ],
)
def test_a_classifier_is_compiled_proven_and_served_inline(desk: Any, make_rows: MakeRows, estimator: Any) -> None:
    rows, unseen = make_rows(600, 1), make_rows(300, 2)
    model = estimator.fit(rows[INPUTS], rows["late"])
    version = desk.register(desk.save(model), unseen.drop(columns="price"), label="late")
    assert (version.serving_format, version.placement, version.model_format) == ("onnx", "inline", "skops")
    assert version.parity is not None
    assert version.parity.proven
    assert version.parity.rows > 300
    assert version.warnings == ()
    outputs = load_predictor(version, desk.artifacts).predict(columns_of(unseen))
    np.testing.assert_allclose(outputs["probabilities"], model.predict_proba(unseen[INPUTS]), atol=1e-5)
    assert outputs["label"].tolist() == model.predict(unseen[INPUTS]).tolist()


def test_the_contract_says_what_the_reference_holds(desk: Any, make_rows: MakeRows) -> None:
    rows = make_rows(600, 1)
    model = boosting().fit(rows[INPUTS], rows["late"])
    contract = desk.register(desk.save(model), make_rows(300, 2), label="late").contract
    assert [(f.name, f.datatype, f.nullable, f.categories) for f in contract.inputs] == [
        ("temp", "FP64", True, None),
        ("hour", "INT64", False, None),
        ("weekend", "BOOL", False, None),
        ("carrier", "BYTES", False, ("AA", "B6", "UA")),
    ]
    assert (contract.inputs[1].minimum, contract.inputs[1].maximum) == (0, 23)
    assert (contract.task, contract.classes) == ("binary", (False, True))
    assert [(f.name, f.datatype, f.shape) for f in contract.outputs] == [
        ("label", "BOOL", ()),
        ("probabilities", "FP64", (2,)),
    ]


def test_the_profile_holds_inputs_outputs_and_quality(desk: Any, make_rows: MakeRows) -> None:
    rows, unseen = make_rows(600, 1), make_rows(300, 2)
    model = boosting().fit(rows[INPUTS], rows["late"])
    profile = desk.register(desk.save(model), unseen, label="late").profile
    names = [feature["name"] for feature in profile["spec"]["features"]]
    assert names == [*INPUTS, "output.label", "output.score"]
    assert profile["rows"] == 300
    assert profile["label_share"]["True"] == pytest.approx(unseen["late"].mean())
    brier = np.mean((model.predict_proba(unseen[INPUTS])[:, 1] - unseen["late"]) ** 2)
    assert profile["quality"]["brier"] == pytest.approx(brier, abs=1e-5)
    assert profile["quality"]["accuracy"] == pytest.approx(model.score(unseen[INPUTS], unseen["late"]))


@pytest.mark.parametrize(
    "estimator",
    [
        pytest.param(linear(LinearRegression()), id="linear regression"),
        pytest.param(linear(RandomForestRegressor(10, random_state=1)), id="random forest"),
    ],
)
def test_a_regression_is_compiled_and_proven_relative_to_its_size(
    desk: Any, make_rows: MakeRows, estimator: Any
) -> None:
    rows, unseen = make_rows(600, 1), make_rows(300, 2)
    model = estimator.fit(rows[INPUTS], rows["price"])
    version = desk.register(desk.save(model), unseen.drop(columns="late"), label="price")
    assert (version.serving_format, version.contract.task) == ("onnx", "regression")
    outputs = load_predictor(version, desk.artifacts).predict(columns_of(unseen))
    np.testing.assert_allclose(outputs["prediction"], model.predict(unseen[INPUTS]), rtol=1e-5)
    errors = model.predict(unseen[INPUTS]) - unseen["price"]
    assert version.profile["quality"]["rmse"] == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-4)


def test_text_classes_of_several_kinds(desk: Any, make_rows: MakeRows) -> None:
    rows = make_rows(600, 1)
    model = linear(LogisticRegression()).fit(rows[INPUTS].drop(columns="carrier").assign(carrier="AA"), rows["carrier"])
    version = desk.register(desk.save(model), make_rows(300, 2).drop(columns=["late", "price"]))
    assert (version.contract.task, version.contract.classes) == ("multiclass", ("AA", "B6", "UA"))
    assert load_predictor(version, desk.artifacts).predict(columns_of(rows[:3]))["label"].dtype == object


def test_a_model_fitted_on_an_array_takes_the_columns_of_the_reference(desk: Any, make_rows: MakeRows) -> None:
    rows = make_rows(600, 1).fillna({"temp": 20.0})
    model = LogisticRegression(max_iter=500).fit(rows[["temp", "hour"]].to_numpy(), rows["late"])
    version = desk.register(desk.save(model), rows[["temp", "hour", "late"]][:300], label="late")
    assert [field.name for field in version.contract.inputs] == ["temp", "hour"]
    assert version.serving_format == "onnx"
    outputs = load_predictor(version, desk.artifacts).predict(
        {"temp": rows["temp"].to_numpy(), "hour": rows["hour"].to_numpy()}
    )
    expected = model.predict_proba(rows[["temp", "hour"]].to_numpy())
    np.testing.assert_allclose(outputs["probabilities"], expected, atol=1e-5)


def test_without_reference_an_array_model_takes_one_vector(desk: Any) -> None:
    rng = np.random.default_rng(1)
    model = LogisticRegression().fit(rng.normal(size=(50, 3)), np.arange(50) % 2)
    version = desk.register(desk.save(model))
    assert [(field.name, field.shape) for field in version.contract.inputs] == [("input", (3,))]
    assert (version.serving_format, version.placement) == ("skops", "isolated")
    assert "no reference rows" in version.parity.reason
    assert any("drift will not be watched" in warning for warning in version.warnings)
    outputs = load_predictor(version, desk.artifacts).predict({"input": np.zeros((2, 3))})
    assert outputs["probabilities"].shape == (2, 2)


def test_a_twin_that_answers_where_the_original_refuses_is_not_served(desk: Any, make_rows: MakeRows) -> None:
    complete = make_rows(600, 1).dropna()
    # Gradient boosting refuses missing values; its graph has no such scruples.
    model = encoded(GradientBoostingClassifier(n_estimators=5)).fit(complete[INPUTS], complete["late"])
    version = desk.register(desk.save(model), make_rows(300, 2), label="late")
    assert (version.serving_format, version.placement, version.parity.proven) == ("skops", "isolated", False)
    assert "original refuses" in version.parity.reason
    assert version.parity.worst_row["temp"] is None


def test_a_twin_that_refuses_what_the_original_refuses_is_served(desk: Any, make_rows: MakeRows) -> None:
    rows = make_rows(600, 1)
    model = linear(LogisticRegression(), unknown="error").fit(rows[INPUTS], rows["late"])
    version = desk.register(desk.save(model), make_rows(300, 2), label="late")
    assert (version.serving_format, version.parity.proven) == ("onnx", True)
    row = {**columns_of(rows[:1]), "carrier": np.array(["ZZ"], dtype=object)}
    with pytest.raises(ModelFailedError):
        load_predictor(version, desk.artifacts).predict(row)


def test_a_twin_that_answers_otherwise_is_not_served(desk: Any, make_rows: MakeRows) -> None:
    rows = make_rows(600, 1)
    # skl2onnx converts splits on categories into splits on their numbers, without a word.
    model = boosting(categorical_features=[0]).fit(rows[INPUTS], rows["carrier"] == "B6")
    version = desk.register(desk.save(model), make_rows(300, 2))
    outputs = load_predictor(version, desk.artifacts).predict(columns_of(rows))
    np.testing.assert_allclose(outputs["probabilities"], model.predict_proba(rows[INPUTS]), atol=1e-5)


def test_a_forest_that_learnt_where_missing_values_go_is_served_as_it_is(desk: Any, make_rows: MakeRows) -> None:
    rows = make_rows(600, 1)
    # sklearn-onnx forgets the learnt direction: https://github.com/onnx/sklearn-onnx/issues/1253
    model = encoded(RandomForestClassifier(10, random_state=1)).fit(rows[INPUTS], rows["temp"].isna())
    version = desk.register(desk.save(model), make_rows(300, 2))
    outputs = load_predictor(version, desk.artifacts).predict(columns_of(rows))
    np.testing.assert_allclose(outputs["probabilities"], model.predict_proba(rows[INPUTS]), atol=1e-5)


def test_a_model_that_is_not_to_be_compiled_is_served_as_it_is(real_desk: Any, make_rows: MakeRows) -> None:
    rows = make_rows(600, 1)
    source = real_desk.save(linear(LogisticRegression()).fit(rows[INPUTS], rows["late"]))
    version = real_desk.register(source, make_rows(300, 2), label="late", compile=False)
    assert (version.serving_format, version.placement, version.parity) == ("skops", "isolated", None)
    assert version.serving_digest == version.digest


def test_a_model_without_probabilities_gives_its_class_only(desk: Any, make_rows: MakeRows) -> None:
    rows = make_rows(600, 1)
    model = linear(LinearSVC()).fit(rows[INPUTS], rows["late"])
    version = desk.register(desk.save(model), make_rows(300, 2), label="late")
    assert [field.name for field in version.contract.outputs] == ["label"]
    outputs = load_predictor(version, desk.artifacts).predict(columns_of(rows))
    assert outputs["label"].tolist() == model.predict(rows[INPUTS]).tolist()


def test_a_model_that_refuses_missing_values_is_registered_with_a_warning(desk: Any, make_rows: MakeRows) -> None:
    rows = make_rows(600, 1).dropna()
    model = LogisticRegression(max_iter=500).fit(rows[["temp", "hour"]], rows["late"])
    unseen = make_rows(300, 2)
    version = desk.register(desk.save(model), unseen, label="late")
    refused = int(unseen["temp"].isna().sum())
    assert f"no valid answer to {refused} of 300 reference rows" in " ".join(version.warnings)
    assert version.profile["rows"] == 300 - refused


def test_rows_that_the_model_was_trained_on_are_noticed(desk: Any, make_rows: MakeRows) -> None:
    rows = make_rows(600, 1)
    model = linear(LogisticRegression()).fit(rows[INPUTS], rows["late"])
    version = desk.register(desk.save(model), rows, label="late")
    assert any("rows the model was trained on" in warning for warning in version.warnings)


def test_a_reference_that_lacks_a_column_is_refused_by_name(real_desk: Any, make_rows: MakeRows) -> None:
    rows = make_rows(100, 1)
    source = real_desk.save(boosting().fit(rows[INPUTS], rows["late"]))
    with pytest.raises(InvalidInputError, match=r"lacks the column\(s\) hour, carrier"):
        real_desk.register(source, rows.drop(columns=["hour", "carrier"]), label="late")


def test_a_label_that_is_not_there_is_refused_by_name(desk: Any, make_rows: MakeRows) -> None:
    rows = make_rows(100, 1)
    source = desk.save(boosting().fit(rows[INPUTS], rows["late"]))
    with pytest.raises(InvalidInputError, match="label == 'delayed', must be a column"):
        desk.register(source, rows, label="delayed")


def test_columns_that_the_model_does_not_know_are_ignored_with_a_warning(desk: Any, make_rows: MakeRows) -> None:
    rows = make_rows(300, 1)
    source = desk.save(boosting().fit(rows[INPUTS], rows["late"]))
    version = desk.register(source, make_rows(200, 2), label="late")
    assert version.warnings == ("reference column(s) price are ignored: the model does not take them",)


@pytest.mark.parametrize("name", ["model.onnx", "model.skops", "model.bin", "notes.txt"])
def test_a_file_that_is_no_model_is_refused_in_one_sentence(real_desk: Any, name: str) -> None:
    (real_desk.folder / name).write_bytes(b"just some text\n" * 20)
    with pytest.raises(UnloadableModelError) as refused:
        real_desk.register(real_desk.folder / name)
    assert "\n" not in str(refused.value)
    assert real_desk.registry.list() == []
    assert [path.name for path in real_desk.artifacts.iterdir()] == []


def test_a_path_that_is_not_there_is_refused(desk: Any) -> None:
    with pytest.raises(InvalidInputError, match="no such file or folder"):
        desk.register(desk.folder / "gone.skops")


def test_a_pickle_needs_trust_and_is_not_opened_without(real_desk: Any, make_rows: MakeRows) -> None:
    rows, path = make_rows(300, 1), real_desk.folder / "model.pkl"
    joblib.dump(boosting().fit(rows[INPUTS], rows["late"]), path)
    with pytest.raises(UnloadableModelError, match="--trust-pickle"):
        real_desk.register(path, make_rows(200, 2), label="late")
    version = real_desk.register(path, make_rows(200, 2), label="late", trust_pickle=True)
    assert (version.model_format, version.serving_format) == ("pickle", "onnx")


class WritesAFile:
    """What a hostile pickle looks like."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("name", ["model.pkl", "model.skops", "model.onnx", "model"])
def test_a_hostile_pickle_under_any_name_runs_nothing(desk: Any, name: str) -> None:
    (desk.folder / name).write_bytes(pickle.dumps(WritesAFile(desk.folder / "owned")))
    with pytest.raises(UnloadableModelError):
        desk.register(desk.folder / name)
    assert not (desk.folder / "owned").exists()


@pytest.mark.parametrize(
    ("act", "limit", "named"),
    [
        ("os._exit(7)", 60.0, r"\(exit code 7\); see the output of `interlock up`$"),
        ("os._exit(0)", 60.0, r"\(exit code 0\)"),
        ("os.kill(os.getpid(), 11)", 60.0, r"\(signal 11\)"),
        ("time.sleep(600)", 3.0, "longer than 3 s"),
    ],
)
def test_a_file_that_crashes_or_hangs_when_loaded_costs_its_own_process(
    desk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: str, limit: float, named: str
) -> None:
    program = f"""
        import os, time
        class Crash:
            def __setstate__(self, state):
                {act}
    """
    (tmp_path / "crash_model.py").write_text(textwrap.dedent(program))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (desk.folder / "m.pkl").write_bytes(b"\x80\x04ccrash_model\nCrash\n)\x81}b.")
    request = Registration(name="m", source=desk.folder / "m.pkl", trust_pickle=True)
    with pytest.raises(UnloadableModelError, match=named):
        register(request, ArtifactStore(desk.artifacts), partial(examine_apart, time_limit_seconds=limit))


def test_an_unexpected_error_is_told_in_one_sentence(real_desk: Any, tmp_path: Path, monkeypatch: Any) -> None:
    program = """
        from sklearn.base import BaseEstimator, RegressorMixin
        class Odd(RegressorMixin, BaseEstimator):
            n_features_in_ = 1
            def __sklearn_is_fitted__(self):
                return True
            def predict(self, rows):
                return rows[:, 0]
            def get_params(self, deep=True):
                raise AttributeError("no such thing\\nat all")
    """
    (tmp_path / "odd_model.py").write_text(textwrap.dedent(program))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (real_desk.folder / "m.pkl").write_bytes(b"\x80\x04codd_model\nOdd\n)\x81.")
    with pytest.raises(UnloadableModelError, match=r"^m\.pkl cannot be served: AttributeError: no such thing$"):
        real_desk.register(real_desk.folder / "m.pkl", trust_pickle=True)


@pytest.mark.parametrize("name", ["notmodel.onnx", "notmodel.skops"])
@pytest.mark.parametrize("content", [b"just some text\n" * 20, b""], ids=["text", "empty"])
def test_a_file_that_is_not_what_its_name_says_is_called_by_the_users_name(
    desk: Any, name: str, content: bytes
) -> None:
    (desk.folder / name).write_bytes(content)
    with pytest.raises(UnloadableModelError) as refused:
        desk.register(desk.folder / name)
    kind = {"notmodel.onnx": "ONNX model", "notmodel.skops": "skops file"}[name]
    assert str(refused.value).startswith(f"{name} is not a loadable {kind}: it is empty, cut off or no ")
    assert "save" in str(refused.value)
    assert str(desk.artifacts) not in str(refused.value)
    assert "ONNXRuntimeError" not in str(refused.value)


def test_a_truncated_skops_file_says_what_to_do(desk: Any, make_rows: MakeRows) -> None:
    rows = make_rows(100, 1).dropna()
    path = desk.save(LinearRegression().fit(rows[["temp"]], rows["price"]), "cut.skops")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UnloadableModelError, match=r"^cut\.skops is not a loadable skops file: it is empty, cut off"):
        desk.register(path)


def test_versions_count_up_and_remember_their_parent(real_desk: Any, make_rows: MakeRows) -> None:
    rows = make_rows(300, 1)
    source = real_desk.save(boosting().fit(rows[INPUTS], rows["late"]))
    real_desk.register(source, make_rows(200, 2), label="late")
    other = real_desk.save(boosting().fit(rows[["hour", "carrier"]], rows["late"]), "other.skops")
    second = real_desk.register(other, make_rows(200, 2), label="late", parent="m:1", created_by="ann")
    assert (second.ref, second.lineage["parent"], second.created_by) == ("m:2", "m:1", "ann")
    assert "breaks callers of m:1: input 'temp' is gone" in second.warnings
    assert [version.ref for version in real_desk.registry.list("m")] == ["m:1", "m:2"]
    assert real_desk.registry.get("m").ref == "m:2"
    with real_desk.store.read() as tx:
        assert [(entry.actor, entry.action, entry.subject) for entry in tx.audit.list()] == [
            ("ann", "model.register", "m:2"),
            ("local", "model.register", "m:1"),
        ]


def test_an_unknown_parent_is_refused_before_anything_is_done(desk: Any, tmp_path: Path) -> None:
    (tmp_path / "x.onnx").touch()
    with pytest.raises(NotFoundError):
        desk.register(tmp_path / "x.onnx", parent="m:9")


def test_what_made_the_model_is_written_down(desk: Any, make_rows: MakeRows) -> None:
    import sklearn

    rows = make_rows(300, 1)
    version = desk.register(desk.save(boosting().fit(rows[INPUTS], rows["late"])), make_rows(200, 2), label="late")
    assert version.frameworks["scikit-learn"] == sklearn.__version__
    assert version.lineage["reference_rows"] == 200
    assert len(version.lineage["reference_sha256"]) == 64


def test_a_version_says_which_pinned_rows_it_was_trained_on(desk: Any, make_rows: MakeRows) -> None:
    table = PinnedTable(version=12, rows=3, files=1, digest="d1")
    pin = Pin(
        endpoint="late", name="v4", created_at=desk.registry._clock(), created_by="ann", tables={"predictions": table}
    )
    with desk.store.transaction() as tx:
        tx.pins.add(pin)
    rows = make_rows(200, 1).dropna()
    model = LogisticRegression(max_iter=500).fit(rows[["temp", "hour"]], rows["late"])
    version = desk.register(desk.save(model), trained_on="late@v4")
    assert (version.lineage["pin"], version.lineage["pin_digests"]) == ("late@v4", {"predictions": "d1"})


@pytest.mark.parametrize(("pin", "error"), [("late@v5", NotFoundError), ("late", InvalidInputError)])
def test_a_pin_that_is_none_is_refused_before_anything_is_done(
    desk: Any, tmp_path: Path, pin: str, error: type[Exception]
) -> None:
    with pytest.raises(error, match=pin):
        desk.register(tmp_path / "x.onnx", trained_on=pin)
