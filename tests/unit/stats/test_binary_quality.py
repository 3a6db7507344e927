from dataclasses import astuple

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics

from interlock.stats.binary_quality import BinaryQuality, analyze


def draw(seed: int, rows: int = 500) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Labels and informative scores with many ties."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(rows) < 0.3).astype(np.int64)
    return labels, np.clip(rng.normal(0.35 + 0.2 * labels, 0.2), 0, 1).round(1 + seed % 3)


@pytest.mark.parametrize("seed", range(6))
def test_measures_agree_with_scikit_learn(seed: int) -> None:
    labels, scores = draw(seed)
    decided = scores >= 0.5
    quality = analyze(labels, scores)
    assert quality.accuracy == pytest.approx(metrics.accuracy_score(labels, decided))
    assert quality.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(labels, decided))
    assert quality.precision == pytest.approx(metrics.precision_score(labels, decided))
    assert quality.recall == pytest.approx(metrics.recall_score(labels, decided))
    assert quality.f1 == pytest.approx(metrics.f1_score(labels, decided))
    assert quality.roc_auc == pytest.approx(metrics.roc_auc_score(labels, scores))
    assert quality.average_precision == pytest.approx(metrics.average_precision_score(labels, scores))
    assert quality.log_loss == pytest.approx(metrics.log_loss(labels, scores))
    assert quality.brier == pytest.approx(metrics.brier_score_loss(labels, scores))
    assert (quality.rows, quality.positives) == (500, int(labels.sum()))


def test_calibration_error_is_the_mean_gap_between_predicted_and_observed_share() -> None:
    labels, scores = draw(2)
    expected = 0.0
    for low in np.arange(10):
        inside = np.minimum(np.floor(scores * 10), 9) == low
        if inside.any():
            expected += inside.mean() * abs(scores[inside].mean() - labels[inside].mean())
    assert analyze(labels, scores).calibration_error == pytest.approx(expected)


def test_standard_errors_agree_with_repeated_sampling() -> None:
    # Binormal scores, where Hanley & McNeil's formula is known to be close.
    rng = np.random.default_rng(3)
    drawn = []
    for _ in range(600):
        labels = rng.random(300) < 0.4
        scores = 1 / (1 + np.exp(-rng.normal(1.0 * labels, 1.0)))
        quality = analyze(labels, scores)
        drawn.append([getattr(quality, name + end) for name in ("accuracy", "roc_auc", "brier") for end in ("", "_se")])
    values = np.array(drawn, dtype=np.float64)
    assert values[:, 1::2].mean(axis=0) == pytest.approx(values[:, ::2].std(axis=0), rel=0.12)


def test_decisions_of_ones_own_replace_the_threshold() -> None:
    quality = analyze([True, False, True], [0.2, 0.1, 0.9], predictions=[1, 0, 1])
    assert (quality.accuracy, quality.recall) == (1.0, 1.0)


def test_without_rows_all_measures_are_none() -> None:
    assert analyze([], []) == BinaryQuality(rows=0, positives=0)


@pytest.mark.parametrize("label", [0, 1])
def test_with_one_class_the_measures_that_need_two_are_none(label: int) -> None:
    quality = analyze([label] * 5, [0.2] * 5)
    assert (quality.roc_auc, quality.roc_auc_se, quality.balanced_accuracy, quality.precision) == (None,) * 4
    assert quality.recall == (0.0 if label else None)
    assert quality.average_precision == (1.0 if label else None)
    assert quality.brier == pytest.approx((0.2 - label) ** 2)


@pytest.mark.parametrize("labels", [[], [0], [1], [0, 1], [1, 1, 0]])
@pytest.mark.parametrize("score", [0.0, 0.5, 1.0])
def test_no_measure_is_ever_nan(labels: list[int], score: float) -> None:
    values = astuple(analyze(labels, [score] * len(labels)))
    assert all(value is None or np.isfinite(value) for value in values)


@pytest.mark.parametrize(
    ("labels", "scores", "predictions", "named"),
    [
        ([2], [0.5], None, "labels"),
        ([1], [1.5], None, "scores"),
        ([1], [np.nan], None, "scores"),
        ([1], [0.5], [3], "predictions"),
        ([1, 0], [0.5], None, "shapes"),
    ],
)
def test_impossible_input_is_refused_by_name(
    labels: list[int], scores: list[float], predictions: list[int] | None, named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        analyze(labels, scores, predictions)
