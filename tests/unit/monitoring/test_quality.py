from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from interlock.domain.contract import Contract, Field
from interlock.domain.model import ModelVersion
from interlock.domain.verdict import Check
from interlock.monitoring import quality

NOON = datetime(2013, 4, 1, 12, tzinfo=UTC)
BINARY = Contract(
    inputs=(),
    outputs=(Field(name="label", datatype="BOOL"), Field(name="probabilities", datatype="FP64", shape=(2,))),
    task="binary",
    classes=(False, True),
)
REGRESSION = Contract(inputs=(), outputs=(Field(name="prediction", datatype="FP64"),), task="regression")


def version(contract: Contract, reference: dict[str, Any] | None) -> ModelVersion:
    return ModelVersion(
        name="m",
        version=1,
        digest="0" * 64,
        model_format="onnx",
        serving_digest="0" * 64,
        serving_format="onnx",
        placement="inline",
        contract=contract,
        created_at=NOON,
        created_by="test",
        profile={"quality": reference} if reference else None,
    )


def times(rows: int) -> pa.Array:
    return pa.array([NOON + timedelta(minutes=number) for number in range(rows)], pa.timestamp("us", tz="UTC"))


def binary_rows(rows: int, noise: float, seed: int = 1) -> pa.Table:
    rng = np.random.default_rng(seed)
    logit = rng.standard_normal(rows) * 2
    happened = rng.random(rows) < 1 / (1 + np.exp(-logit))
    score = 1 / (1 + np.exp(-(logit + noise * rng.standard_normal(rows))))
    return pa.table(
        {
            "label": pa.array([str(bool(each)).lower() for each in happened]),
            "label_number": pa.array(happened.astype(float)),
            "event_at": times(rows),
            "output.label": pa.array(score >= 0.5),
            "output.probabilities": pa.array(np.stack((1 - score, score), axis=1).tolist()),
        }
    )


def named(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


def reference_of(table: pa.Table) -> dict[str, Any]:
    found = quality.measure(BINARY, table)
    return {"rows": found.labels} | {name: measure.value for name, measure in found.measures.items()}


def test_quality_as_on_the_reference_is_ok_with_coverage_and_interval() -> None:
    reference = reference_of(binary_rows(5000, 0.0, seed=2))
    found = named(quality.checks(version(BINARY, reference), binary_rows(2000, 0.0), answered=4000, alpha=1e-3))
    assert {name: check.outcome for name, check in found.items()} == dict.fromkeys(quality.METRICS["binary"], "ok")
    brier = found["brier"]
    assert brier.details["coverage"] == 0.5
    assert brier.details["lower"] < (brier.value or 0) < brier.details["upper"]
    assert brier.details["reference"] == reference["brier"]


def test_quality_surely_worse_than_the_reference_is_a_breach() -> None:
    reference = reference_of(binary_rows(5000, 0.0, seed=2))
    found = named(quality.checks(version(BINARY, reference), binary_rows(2000, 4.0), answered=2000, alpha=1e-3))
    assert {name: check.outcome for name, check in found.items()} == dict.fromkeys(quality.METRICS["binary"], "breach")
    assert found["roc_auc"].details["reason"].startswith("roc_auc went from")


def test_quality_perhaps_worse_is_ok_and_says_why() -> None:
    reference = reference_of(binary_rows(5000, 0.0, seed=2)) | {"accuracy": 0.8}
    found = named(quality.checks(version(BINARY, reference), binary_rows(60, 0.5, seed=5), answered=60, alpha=1e-6))
    assert found["accuracy"].value is not None
    assert found["accuracy"].value < 0.78
    assert (found["accuracy"].outcome, "chance" in found["accuracy"].details["reason"]) == ("ok", True)


def test_few_labels_and_no_reference_are_no_data_and_not_ok() -> None:
    few = quality.checks(version(BINARY, {"roc_auc": 0.9}), binary_rows(20, 0.0), answered=20, alpha=1e-3)
    assert {check.outcome for check in few} == {"no_data"}
    alone = named(quality.checks(version(BINARY, None), binary_rows(500, 0.0), answered=500, alpha=1e-3))
    assert (alone["brier"].outcome, alone["brier"].value is not None) == ("no_data", True)
    assert "register" in alone["brier"].details["reason"]


@pytest.mark.parametrize(("error", "outcome"), [(1.0, "ok"), (1.3, "breach")])
def test_regression_errors_are_compared_with_the_reference(error: float, outcome: str) -> None:
    rng = np.random.default_rng(3)
    actual = rng.standard_normal(2000)
    table = pa.table(
        {
            "label": pa.array(actual.astype(str)),
            "label_number": pa.array(actual),
            "event_at": times(2000),
            "output.prediction": pa.array(actual + error * rng.standard_normal(2000)),
        }
    )
    reference = {"rows": 2000, "mae": np.sqrt(2 / np.pi), "rmse": 1.0}
    found = named(quality.checks(version(REGRESSION, reference), table, answered=2000, alpha=1e-3))
    assert {name: check.outcome for name, check in found.items()} == {"mae": outcome, "rmse": outcome}


def test_several_classes_are_measured_with_intervals() -> None:
    rng = np.random.default_rng(4)
    probabilities = rng.dirichlet(np.ones(3), 900)
    actual = np.array([rng.choice(3, p=each) for each in probabilities])
    names = np.array(["a", "b", "c"])
    contract = Contract(
        inputs=(),
        outputs=(Field(name="label", datatype="BYTES"), Field(name="probabilities", datatype="FP64", shape=(3,))),
        task="multiclass",
        classes=("a", "b", "c"),
    )
    table = pa.table(
        {
            "label": pa.array(names[actual]),
            "label_number": pa.nulls(900, pa.float64()),
            "event_at": times(900),
            "output.label": pa.array(names[probabilities.argmax(axis=1)]),
            "output.probabilities": pa.array(probabilities.tolist()),
        }
    )
    found = quality.measure(contract, table)
    assert found.labels == 900
    assert set(found.measures) == {"accuracy", "macro_f1", "log_loss", "brier"}
    assert all(0 < (measure.standard_error or 0) < 0.05 for measure in found.measures.values())
