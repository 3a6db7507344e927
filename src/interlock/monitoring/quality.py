"""Quality of one version from late labels, with intervals, beside what it had on its reference data.

Called by the report, by the monitoring loop and by the view by month. It reads labels anew each time, so a late label
revises the past. It refuses a verdict on a few labels, and where nobody said what quality to expect.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import ndtri

from interlock.domain.contract import Contract
from interlock.domain.model import ModelVersion
from interlock.domain.verdict import Check, CheckOutcome
from interlock.monitoring import influence
from interlock.monitoring.labelled import Classified, Measured, classified, measured
from interlock.stats import binary_quality, losses, multiclass_quality, regression_quality, row_weights

FEWEST_LABELS = 50
"""Fewer labels say nothing about quality."""

METRICS: Mapping[str, tuple[str, ...]] = {
    "binary": ("roc_auc", "brier", "log_loss", "accuracy", "f1"),
    "multiclass": ("accuracy", "macro_f1", "log_loss", "brier"),
    "regression": ("mae", "rmse"),
    "other": (),
}
"""What is measured by the task of the model."""

COLUMNS = ("version", "event_at", "label", "label_number", "weight")
"""What is read of labelled rows, beside the outputs."""

_LARGER_IS_BETTER = frozenset({"roc_auc", "accuracy", "f1", "macro_f1"})

# A fall of two points of AUC, accuracy or F1, or a loss 5 % larger: less is not worth waking anyone, however sure.
TOLERATED_FALL = 0.02
_TOLERATED_RISE = 0.05

_LEAST_PROBABILITY = float(np.finfo(np.float64).eps)

# Normal quantile of the intervals shown: 95 %.
SHOWN = 1.959964


@dataclass(frozen=True)
class Measure:
    """A metric's value with its standard error."""

    value: float
    standard_error: float | None


@dataclass(frozen=True)
class Quality:
    """What labelled rows say about one version.

    Args:
        positive_share: Of binary tasks, how often it happened.
        effective_labels: How many labels of equal weight tell as much; None: as many as there are.
    """

    labels: int
    unusable: int
    measures: Mapping[str, Measure]
    positive_share: float | None = None
    effective_labels: float | None = None


def measure(contract: Contract, rows: pa.Table) -> Quality:
    """Measure rows that one version answered; those without label are left out."""
    if contract.task == "regression":
        return _regression(measured(rows))
    if not contract.is_classifier:
        return Quality(int(rows["label"].is_valid().sum().as_py() or 0), 0, {})
    found = classified(contract, rows)
    if contract.task == "binary" and found.probabilities is not None:
        return _binary(found, found.probabilities[:, 1])
    return _multiclass(found)


def _binary(rows: Classified, scores: NDArray[np.float64]) -> Quality:
    happened, decided = rows.actual == 1, rows.predicted == 1
    quality = binary_quality.analyze(happened, scores, decided, weights=rows.weights)
    if quality.rows == 0:
        return Quality(0, rows.unusable, {})
    right = np.where(happened, scores, 1 - scores)
    influences = {
        "brier": influence.of_mean(np.square(scores - happened), rows.weights),
        "log_loss": influence.of_mean(-np.log(np.clip(right, _LEAST_PROBABILITY, 1.0)), rows.weights),
        "accuracy": influence.of_mean((happened == decided).astype(np.float64), rows.weights),
        "f1": influence.of_f1(happened, decided, rows.weights),
    }
    if quality.roc_auc is not None:
        influences["roc_auc"] = influence.of_roc_auc(happened, scores, rows.weights)
    share, enough = float(np.average(happened, weights=rows.weights)), row_weights.effective_rows(rows.weights)
    measures = _measures(quality, influences, rows.hours)
    return Quality(quality.rows, rows.unusable, measures, share, enough)


def _multiclass(rows: Classified) -> Quality:
    quality = multiclass_quality.analyze(rows.actual, rows.predicted, rows.probabilities, weights=rows.weights)
    if quality.rows == 0:
        return Quality(0, rows.unusable, {})
    classes = np.union1d(rows.actual, rows.predicted).tolist()
    f1 = [influence.of_f1(rows.actual == each, rows.predicted == each, rows.weights) for each in classes]
    influences = {
        "accuracy": influence.of_mean((rows.actual == rows.predicted).astype(np.float64), rows.weights),
        "macro_f1": np.mean(f1, axis=0),
    }
    if rows.probabilities is not None:
        right = rows.probabilities[np.arange(len(rows.actual)), rows.actual]
        influences["log_loss"] = influence.of_mean(-np.log(np.clip(right, _LEAST_PROBABILITY, 1.0)), rows.weights)
        influences["brier"] = influence.of_mean(losses.brier(rows.actual, rows.probabilities), rows.weights)
    enough = row_weights.effective_rows(rows.weights)
    measures = _measures(quality, influences, rows.hours)
    return Quality(quality.rows, rows.unusable, measures, effective_labels=enough)


def _regression(rows: Measured) -> Quality:
    quality = regression_quality.analyze(rows.actual, rows.predicted, weights=rows.weights)
    if quality.rows == 0:
        return Quality(0, rows.unusable, {})
    influences = {
        "mae": influence.of_mean(losses.absolute_error(rows.actual, rows.predicted), rows.weights),
        "rmse": influence.of_root_mean(losses.squared_error(rows.actual, rows.predicted), rows.weights),
    }
    enough = row_weights.effective_rows(rows.weights)
    measures = _measures(quality, influences, rows.hours)
    return Quality(quality.rows, rows.unusable, measures, effective_labels=enough)


def _measures(
    quality: Any, influences: Mapping[str, NDArray[np.float64]], hours: NDArray[np.int64]
) -> dict[str, Measure]:
    return {
        metric: Measure(getattr(quality, metric), influence.standard_error(each, hours))
        for metric, each in influences.items()
        if getattr(quality, metric) is not None
    }


def checks(version: ModelVersion, rows: pa.Table, *, answered: int, alpha: float) -> list[Check]:
    """Judge one version's quality in a window.

    Args:
        version: Who answered.
        rows: Its rows of the window, with labels where they have come.
        answered: Rows it answered in the window, labelled or not.
        alpha: Probability of a false alarm that each metric may spend.
    """
    quality = measure(version.contract, rows)
    coverage = min(1.0, quality.labels / answered) if answered else None
    common = {
        "labels": quality.labels,
        "unusable_labels": quality.unusable,
        "coverage": coverage,
        "effective_labels": quality.effective_labels,
    }
    reference = (version.profile or {}).get("quality") or {}
    return [
        _check(version, metric, quality, reference, common, alpha)
        for metric in METRICS[version.contract.task]
        if metric in quality.measures or quality.labels < FEWEST_LABELS
    ]


def _check(
    version: ModelVersion,
    metric: str,
    quality: Quality,
    reference: Mapping[str, Any],
    common: Mapping[str, Any],
    alpha: float,
) -> Check:
    found, expected = quality.measures.get(metric), _number(reference.get(metric))
    outcome, reason = _judge(metric, found, quality, expected, reference, alpha)
    details = {**common, "reason": reason, "reference": expected, **_interval(found)}
    return Check(
        name=metric,
        signal="quality",
        version=version.ref,
        outcome=outcome,
        value=found.value if found else None,
        expected=_expectation(metric, expected),
        rows=quality.labels,
        details=details,
    )


def _judge(
    metric: str,
    found: Measure | None,
    quality: Quality,
    expected: float | None,
    reference: Mapping[str, Any],
    alpha: float,
) -> tuple[CheckOutcome, str]:
    labels = quality.labels
    if labels < FEWEST_LABELS or found is None or found.standard_error is None:
        return "no_data", f"{labels} labels, at least {FEWEST_LABELS} are needed"
    if expected is None:
        return "no_data", "nothing to compare with; register the model with --reference and --label"
    worse = expected - found.value if metric in _LARGER_IS_BETTER else found.value - expected
    enough = labels if quality.effective_labels is None else quality.effective_labels
    error = float(np.hypot(found.standard_error, _reference_error(metric, found.standard_error, enough, reference)))
    if worse <= _tolerated(metric, expected):
        return "ok", f"{found.value:.4g}, on the reference {expected:.4g}"
    if worse <= float(ndtri(1 - alpha)) * error:
        return "ok", f"{found.value:.4g}, on the reference {expected:.4g}; chance explains the difference"
    return "breach", f"{metric} went from {expected:.4g} on the reference to {found.value:.4g}"


def _reference_error(metric: str, error: float, labels: float, reference: Mapping[str, Any]) -> float:
    """The reference's own sampling error: its own where it says so, else as large as here for as many rows."""
    stated, rows = _number(reference.get(f"{metric}_se")), _number(reference.get("rows"))
    if stated is not None:
        return stated
    return error * float(np.sqrt(labels / rows)) if rows else error


def _tolerated(metric: str, expected: float) -> float:
    return TOLERATED_FALL if metric in _LARGER_IS_BETTER else _TOLERATED_RISE * abs(expected)


def _expectation(metric: str, expected: float | None) -> str:
    if expected is None:
        return "nothing to compare with"
    tolerated = _tolerated(metric, expected)
    if metric in _LARGER_IS_BETTER:
        return f"at least {expected - tolerated:.4g} (reference {expected:.4g}), or a fall that chance explains"
    return f"at most {expected + tolerated:.4g} (reference {expected:.4g}), or a rise that chance explains"


def _interval(found: Measure | None) -> dict[str, float]:
    if found is None or found.standard_error is None:
        return {}
    half = SHOWN * found.standard_error
    return {"lower": found.value - half, "upper": found.value + half}


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and np.isfinite(value) else None
