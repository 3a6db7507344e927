import numpy as np
import pytest
from sklearn import metrics

from interlock.stats import classification_report


@pytest.mark.parametrize("is_weighted", [False, True])
def test_every_figure_is_that_of_scikit_learn(is_weighted: bool) -> None:
    rng = np.random.default_rng(1)
    actual = rng.integers(0, 4, 300)
    predicted = np.where(rng.random(300) < 0.6, actual, rng.integers(0, 4, 300))
    weights = rng.exponential(size=300) if is_weighted else None
    found = classification_report.analyze(actual, predicted, 4, weights=weights)
    expected = metrics.precision_recall_fscore_support(actual, predicted, sample_weight=weights)
    for place, name in enumerate(("precision", "recall", "f1")):
        assert [getattr(each, name) for each in found.classes] == pytest.approx(expected[place])
    assert [each.support for each in found.classes] == np.bincount(actual).tolist()
    assert found.confusion == pytest.approx(metrics.confusion_matrix(actual, predicted, sample_weight=weights))


def test_a_class_that_never_happened_and_was_never_predicted_has_no_figures() -> None:
    found = classification_report.analyze([0, 0], [0, 1], 3)
    assert [(each.precision, each.recall, each.support) for each in found.classes] == [
        (1.0, 0.5, 2),
        (0.0, None, 0),
        (None, None, 0),
    ]


def test_without_rows_there_is_nothing() -> None:
    found = classification_report.analyze([], [], 2)
    assert ([each.support for each in found.classes], found.confusion.sum()) == ([0, 0], 0)


@pytest.mark.parametrize(("labels", "predictions"), [([0], [0, 1]), ([2], [0]), ([-1], [0])])
def test_what_names_no_class_is_refused(labels: list[int], predictions: list[int]) -> None:
    with pytest.raises(ValueError, match="must be"):
        classification_report.analyze(labels, predictions, 2)
