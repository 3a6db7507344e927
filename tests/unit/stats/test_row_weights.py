import numpy as np
import pytest
from sklearn import metrics

from interlock.stats import binary_quality, multiclass_quality, regression_quality, row_weights


def test_weighted_measures_of_an_event_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    happened, weights = rng.random(400) < 0.3, rng.exponential(size=400)
    # Few distinct scores, so that there are ties.
    scores = np.round(np.clip(0.3 + 0.3 * happened + 0.2 * rng.standard_normal(400), 0.01, 0.99), 1)
    decided = scores >= 0.5
    found = binary_quality.analyze(happened, scores, decided, weights=weights)
    given = {"sample_weight": weights}
    assert found.accuracy == pytest.approx(metrics.accuracy_score(happened, decided, **given))
    assert found.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(happened, decided, **given))
    assert found.precision == pytest.approx(metrics.precision_score(happened, decided, **given))
    assert found.recall == pytest.approx(metrics.recall_score(happened, decided, **given))
    assert found.f1 == pytest.approx(metrics.f1_score(happened, decided, **given))
    assert found.roc_auc == pytest.approx(metrics.roc_auc_score(happened, scores, **given))
    assert found.average_precision == pytest.approx(metrics.average_precision_score(happened, scores, **given))
    assert found.log_loss == pytest.approx(metrics.log_loss(happened, scores, **given))
    assert found.brier == pytest.approx(metrics.brier_score_loss(happened, scores, **given))


def test_weighted_measures_of_classes_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    probabilities, weights = rng.dirichlet(np.ones(4), 300), rng.exponential(size=300)
    actual = np.array([rng.choice(4, p=each) for each in probabilities])
    predicted = probabilities.argmax(axis=1)
    found = multiclass_quality.analyze(actual, predicted, probabilities, weights=weights)
    given = {"sample_weight": weights}
    assert found.accuracy == pytest.approx(metrics.accuracy_score(actual, predicted, **given))
    assert found.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(actual, predicted, **given))
    assert found.macro_f1 == pytest.approx(metrics.f1_score(actual, predicted, average="macro", **given))
    assert found.log_loss == pytest.approx(metrics.log_loss(actual, probabilities, **given))


def test_weighted_measures_of_numbers_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    actual, weights = rng.normal(5, 1, 300), rng.exponential(size=300)
    predicted = actual + rng.standard_normal(300)
    found = regression_quality.analyze(actual, predicted, weights=weights)
    given = {"sample_weight": weights}
    assert found.mae == pytest.approx(metrics.mean_absolute_error(actual, predicted, **given))
    assert found.rmse == pytest.approx(metrics.root_mean_squared_error(actual, predicted, **given))
    assert found.r2 == pytest.approx(metrics.r2_score(actual, predicted, **given))
    assert found.mape == pytest.approx(metrics.mean_absolute_percentage_error(actual, predicted, **given))


def test_a_row_of_weight_two_is_two_rows_and_one_of_weight_zero_is_none() -> None:
    happened, scores = np.array([0, 1, 1, 0]), np.array([0.2, 0.4, 0.9, 0.6])
    weighted = binary_quality.analyze(happened, scores, weights=[2, 1, 1, 0])
    repeated = binary_quality.analyze([0, 0, 1, 1], [0.2, 0.2, 0.4, 0.9])
    for measure in (
        "accuracy",
        "recall",
        "f1",
        "roc_auc",
        "average_precision",
        "log_loss",
        "brier",
        "calibration_error",
    ):
        assert getattr(weighted, measure) == pytest.approx(getattr(repeated, measure)), measure


def test_weights_that_are_none_are_refused() -> None:
    for weights, said in (([1.0], "shape of weights"), ([1.0, -1.0], "not negative"), ([0.0, 0.0], "all 0")):
        with pytest.raises(ValueError, match=said):
            row_weights.of(weights, 2)
    assert row_weights.effective_rows(np.ones(7)) == 7
