from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from interlock.domain.contract import Contract, Field
from interlock.domain.model import ModelVersion
from interlock.domain.verdict import Check
from interlock.monitoring import estimate
from interlock.registry.reference_quality import truth
from interlock.stats.profile import Profile
from interlock.stats.profile_bins import learn

CLASSES = ("boat", "car", "train")
ALPHA = 0.001


def contract(classes: tuple[Any, ...]) -> Contract:
    outputs = (
        Field(name="label", datatype="BOOL" if classes == (False, True) else "BYTES"),
        Field(name="probabilities", datatype="FP64", shape=(len(classes),)),
    )
    inputs = (Field(name="x", datatype="FP64"),)
    if len(classes) == 2:
        return Contract(inputs=inputs, outputs=outputs, task="binary", classes=classes)
    return Contract(inputs=inputs, outputs=outputs, task="multiclass", classes=classes)


def binary(rng: np.random.Generator, rows: int, spread: float = 1.0, honest: float = 1.0) -> dict[str, Any]:
    """Rows of a model that is surer the farther x is from 0; with `honest` below 1, surer than it may be."""
    x = rng.normal(0, spread, rows)
    scores = 1 / (1 + np.exp(-2 * x))
    happened = rng.random(rows) < 1 / (1 + np.exp(-2 * honest * x))
    return {"x": x, "probabilities": np.column_stack((1 - scores, scores)), "actual": happened.astype(int)}


def three(rng: np.random.Generator, rows: int) -> dict[str, Any]:
    """Rows of three classes, drawn with the chances that the model gives."""
    x = rng.normal(0, 1, rows)
    weights = np.exp(np.column_stack((x, -x, rng.normal(0, 1, rows))))
    probabilities = weights / weights.sum(axis=1, keepdims=True)
    actual = (probabilities.cumsum(axis=1) < rng.random((rows, 1))).sum(axis=1)
    return {"x": x, "probabilities": probabilities, "actual": np.minimum(actual, 2)}


def version(rows: dict[str, Any], classes: tuple[Any, ...] = (False, True)) -> ModelVersion:
    said, kinds = contract(classes), {"x": "numeric"}
    spec = learn(rows, kinds)
    profile = Profile(spec)
    profile.update(rows)
    answers = {"label": np.array(decided(rows, classes)), "probabilities": rows["probabilities"]}
    found = truth(said, answers, [classes[at] for at in rows["actual"]])
    counts = b64encode(profile.to_bytes()).decode()
    return ModelVersion(
        name="m", version=1, digest="0" * 64, model_format="onnx", serving_digest="0" * 64, serving_format="onnx",
        placement="inline", contract=said, created_at=datetime(2026, 1, 1, tzinfo=UTC), created_by="test",
        profile={"spec": spec.to_dict(), "counts": counts, "rows": profile.rows, **found},
    )  # fmt: skip


def decided(rows: dict[str, Any], classes: tuple[Any, ...]) -> list[Any]:
    return [classes[at] for at in rows["probabilities"].argmax(axis=1)]


def logged(rows: dict[str, Any], classes: tuple[Any, ...] = (False, True), *, labelled: bool = False) -> pa.Table:
    count = len(rows["x"])
    columns: dict[str, Any] = {
        "event_at": pa.array([datetime(2026, 2, 1, tzinfo=UTC)] * count, pa.timestamp("us", "UTC")),
        "input.x": rows["x"],
        "output.label": decided(rows, classes),
        "output.probabilities": rows["probabilities"].tolist(),
    }
    if labelled:
        texts = [str(classes[at]).lower() if classes == (False, True) else classes[at] for at in rows["actual"]]
        columns |= {"label": texts, "label_number": [None] * count, "weight": [1.0] * count}
    else:
        columns |= {"label": pa.nulls(count, pa.string()), "label_number": [None] * count, "weight": [1.0] * count}
    return pa.table(columns)


def judge(known: ModelVersion, rows: pa.Table, labelled: pa.Table | None = None) -> dict[str, Check]:
    window = estimate.Window(rows, rows.slice(0, 0) if labelled is None else labelled, ALPHA)
    return {check.name: check for check in estimate.checks(known, window)}


@pytest.fixture(scope="module")
def model() -> ModelVersion:
    return version(binary(np.random.default_rng(0), 5_000))


def realized(rows: dict[str, Any]) -> float:
    return float((rows["probabilities"].argmax(axis=1) == rows["actual"]).mean())


def test_the_estimate_says_what_labels_will_show(model: ModelVersion) -> None:
    rows = binary(np.random.default_rng(1), 4_000)
    check = judge(model, logged(rows))["estimate.accuracy"]
    assert (check.outcome, check.details["trusted"], check.rows) == ("ok", True, 4_000)
    assert check.details["lower"] <= realized(rows) <= check.details["upper"]
    assert check.value == pytest.approx(realized(rows), abs=0.02)


def test_rows_that_are_harder_to_tell_apart_lower_the_estimate_before_any_label(model: ModelVersion) -> None:
    rows = binary(np.random.default_rng(2), 4_000, spread=0.3)
    check = judge(model, logged(rows))["estimate.accuracy"]
    assert check.outcome == "breach"
    assert "before labels have come" in check.details["reason"]


def test_inputs_that_leave_the_reference_take_the_trust_away(model: ModelVersion) -> None:
    rows = binary(np.random.default_rng(3), 1_000)
    rows["x"] = rows["x"] + 8
    check = judge(model, logged(rows))["estimate.roc_auc"]
    assert (check.outcome, check.details["trusted"]) == ("no_data", False)
    assert "% of x lie outside the reference" in check.details["reason"]
    assert check.value is not None


def test_labels_that_contradict_take_the_trust_away(model: ModelVersion) -> None:
    rng = np.random.default_rng(4)
    worse = logged(binary(rng, 600, honest=0.2), labelled=True)
    check = judge(model, logged(binary(rng, 1_000)), worse)["estimate.accuracy"]
    assert (check.outcome, check.details["trusted"]) == ("no_data", False)
    assert "labels show" in check.details["reason"]


def test_labels_that_agree_leave_it(model: ModelVersion) -> None:
    rng = np.random.default_rng(5)
    check = judge(model, logged(binary(rng, 1_000)), logged(binary(rng, 600), labelled=True))["estimate.accuracy"]
    assert check.outcome == "ok"


def test_few_rows_are_no_verdict(model: ModelVersion) -> None:
    check = judge(model, logged(binary(np.random.default_rng(6), 199)))["estimate.accuracy"]
    assert (check.outcome, check.value) == ("no_data", None)
    assert "199 rows" in check.details["reason"]


def test_of_several_classes_the_chance_of_the_one_answered_is_what_counts() -> None:
    rng = np.random.default_rng(7)
    rows = three(rng, 3_000)
    found = judge(version(three(rng, 5_000), CLASSES), logged(rows, CLASSES))
    assert found.keys() == {"estimate.accuracy"}
    check = found["estimate.accuracy"]
    assert check.outcome == "ok"
    assert check.details["lower"] <= realized(rows) <= check.details["upper"]


def test_a_version_without_labelled_reference_has_no_estimate(model: ModelVersion) -> None:
    assert model.profile is not None
    bare = {name: value for name, value in model.profile.items() if name != "scores"}
    assert estimate.metrics(_with(model, bare)) == ()


def _with(model: ModelVersion, profile: dict[str, Any]) -> ModelVersion:
    return ModelVersion(**{name: getattr(model, name) for name in model.__struct_fields__} | {"profile": profile})


@pytest.mark.slow
def test_intervals_hold_the_truth_and_quiet_days_raise_no_alarm() -> None:
    """New references each time: 95 % is asked, and 120 runs leave 90 % at the least; alarms at most by ALPHA each."""
    held, alarms, runs = 0, 0, 120
    for seed in range(runs):
        rng = np.random.default_rng([8, seed])
        rows = binary(rng, 1_500)
        check = judge(version(binary(rng, 3_000)), logged(rows))["estimate.accuracy"]
        held += check.details["lower"] <= realized(rows) <= check.details["upper"]
        alarms += check.outcome == "breach"
    assert held >= 0.9 * runs
    assert alarms <= 1
