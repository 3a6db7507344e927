import numpy as np
import pytest
from sklearn import metrics

from interlock.stats.calibration import Calibration
from interlock.stats.cbpe import METRICS, Metric, estimate, interval, realized

RNG = np.random.default_rng(8)
CHANCES = RNG.random(4_000)
PREDICTIONS = (CHANCES > 0.4).astype(np.float64)
IDENTITY = Calibration(np.array([0.0, 1.0]), np.array([0.0, 1.0]))


@pytest.mark.parametrize("metric", METRICS)
def test_the_estimate_is_the_mean_of_what_labels_would_show(metric: Metric) -> None:
    shown = [
        realized(metric, (RNG.random(4_000) < CHANCES).astype(np.float64), CHANCES, PREDICTIONS) for _ in range(60)
    ]
    assert estimate(metric, CHANCES, CHANCES, PREDICTIONS) == pytest.approx(np.mean(shown), abs=0.004)


def test_realized_metrics_are_those_of_scikit_learn() -> None:
    labels = (RNG.random(4_000) < CHANCES).astype(np.float64)
    expected = {
        "roc_auc": metrics.roc_auc_score(labels, CHANCES),
        "accuracy": metrics.accuracy_score(labels, PREDICTIONS),
        "f1": metrics.f1_score(labels, PREDICTIONS),
        "precision": metrics.precision_score(labels, PREDICTIONS),
        "recall": metrics.recall_score(labels, PREDICTIONS),
        "specificity": metrics.recall_score(labels, PREDICTIONS, pos_label=0),
    }
    assert {metric: realized(metric, labels, CHANCES, PREDICTIONS) for metric in METRICS} == pytest.approx(expected)


@pytest.mark.parametrize("metric", METRICS)
def test_the_interval_covers(metric: Metric) -> None:
    chances, predictions = CHANCES[:500], PREDICTIONS[:500]
    around = estimate(metric, chances, chances, predictions)
    bounds = interval(metric, [IDENTITY] * 400, chances, predictions, around=around, coverage=0.95, rng=RNG)
    shown = np.array(
        [realized(metric, (RNG.random(500) < chances).astype(float), chances, predictions) for _ in range(400)]
    )
    inside = ((shown >= bounds.lower) & (shown <= bounds.upper)).mean()
    assert 0.90 <= inside <= 0.99
    assert bounds.lower <= around <= bounds.upper


def test_what_is_not_defined_is_nan() -> None:
    nothing = np.empty(0)
    assert np.isnan(estimate("f1", nothing, nothing, nothing))
    assert np.isnan(realized("accuracy", np.ones(3), np.ones(3), np.ones(3)))
    assert np.isnan(realized("f1", np.array([0.0, 1.0]), np.array([0.2, 0.3]), np.zeros(2)))
