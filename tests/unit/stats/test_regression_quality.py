import numpy as np
import pytest
from sklearn import metrics

from interlock.stats.regression_quality import RegressionQuality, analyze


def test_measures_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    targets = rng.normal(50, 10, 300)
    predictions = targets + rng.normal(1, 5, 300)
    quality = analyze(targets, predictions)
    assert quality.mae == pytest.approx(metrics.mean_absolute_error(targets, predictions))
    assert quality.rmse == pytest.approx(metrics.root_mean_squared_error(targets, predictions))
    assert quality.r2 == pytest.approx(metrics.r2_score(targets, predictions))
    assert quality.mape == pytest.approx(metrics.mean_absolute_percentage_error(targets, predictions))
    assert quality.bias == pytest.approx(predictions.mean() - targets.mean())


def test_measures_that_are_undefined_are_none() -> None:
    assert analyze([], []) == RegressionQuality(0, None, None, None, None, None)
    assert analyze([3.0, 3.0], [1.0, 2.0]).r2 is None
    assert analyze([0.0, 3.0], [1.0, 2.0]).mape is None


def test_a_constant_target_is_seen_although_its_mean_is_rounded() -> None:
    assert analyze([0.1] * 3, [0.1, 0.2, 0.3]).r2 is None


def test_impossible_input_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="shapes"):
        analyze([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="finite"):
        analyze([1.0], [np.nan])
