import numpy as np
import pytest
from sklearn import metrics

from interlock.stats.multiclass_quality import MulticlassQuality, analyze


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_measures_agree_with_scikit_learn(classes: int) -> None:
    rng = np.random.default_rng(classes)
    probabilities = rng.dirichlet(np.ones(classes), 400)
    labels = np.where(rng.random(400) < 0.5, probabilities.argmax(axis=1), rng.integers(0, classes, 400))
    predictions = probabilities.argmax(axis=1)
    quality = analyze(labels, predictions, probabilities)
    assert quality.accuracy == pytest.approx(metrics.accuracy_score(labels, predictions))
    assert quality.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(labels, predictions))
    assert quality.macro_f1 == pytest.approx(metrics.f1_score(labels, predictions, average="macro"))
    assert quality.log_loss == pytest.approx(metrics.log_loss(labels, probabilities, labels=np.arange(classes)))
    one_hot = np.eye(classes)[labels]
    assert quality.brier == pytest.approx(((probabilities - one_hot) ** 2).sum() / 400 / (2 if classes == 2 else 1))


def test_classes_that_only_happened_or_were_only_predicted_count_as_in_scikit_learn() -> None:
    labels, predictions = [0, 0, 4, 2], [0, 3, 2, 2]
    quality = analyze(labels, predictions)
    assert quality.macro_f1 == pytest.approx(metrics.f1_score(labels, predictions, average="macro", zero_division=0))
    assert quality.balanced_accuracy == pytest.approx((0.5 + 0 + 1) / 3)


def test_a_probability_of_zero_for_what_happened_costs_a_finite_loss() -> None:
    quality = analyze([1], [0], [[1.0, 0.0]])
    assert quality.log_loss == pytest.approx(metrics.log_loss([1], [[1.0, 0.0]], labels=[0, 1]))


def test_measures_without_rows_or_probabilities_are_none() -> None:
    assert analyze([], []) == MulticlassQuality(0, None, None, None, None, None)
    quality = analyze([0, 1], [0, 0])
    assert (quality.log_loss, quality.brier) == (None, None)


@pytest.mark.parametrize(
    ("labels", "predictions", "probabilities", "named"),
    [
        ([-1], [0], None, "labels"),
        ([0], [0.5], None, "predictions"),
        ([0, 1], [0], None, "shapes"),
        ([2], [0], [[0.5, 0.5]], "labels"),
        ([0, 1], [0, 1], [[0.5, 0.5]], "shapes"),
    ],
)
def test_impossible_input_is_refused_by_name(
    labels: list[int], predictions: list[int], probabilities: list[list[float]] | None, named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        analyze(labels, predictions, probabilities)
