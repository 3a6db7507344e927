"""Figures against scikit-learn and a bootstrap, and the coverage of the interval of a gain by simulation."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import accuracy_score, brier_score_loss, mean_absolute_error

from interlock.application_test.asking import AskedRows
from interlock.application_test.held_out import HeldOut
from interlock.application_test.quality import baselines_of, compare, figures_of, losses_of, truth_of
from interlock.domain.contract import Contract, Field

BINARY = Contract(
    inputs=(Field(name="x", datatype="FP64"),),
    outputs=(Field(name="label", datatype="BYTES"), Field(name="probabilities", datatype="FP64", shape=(2,))),
    task="binary",
    classes=("no", "yes"),
)
NUMBERS = Contract(
    inputs=BINARY.inputs, outputs=(Field(name="prediction", datatype="FP64"),), task="regression", classes=()
)


def asked(labels: list[Any], answers: list[dict[str, Any] | None]) -> AskedRows:
    rows = HeldOut({"x": [0.0] * len(labels)}, labels, {}, len(labels))
    return AskedRows(rows, {at: answer for at, answer in enumerate(answers) if answer is not None})


def binary_rows(seed: int = 0, rows: int = 300) -> tuple[AskedRows, NDArray[np.int64], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    scores = rng.random(rows)
    happened = (rng.random(rows) < scores).astype(np.int64)
    answers = [{"label": "yes" if p > 0.5 else "no", "probabilities": [1 - p, p]} for p in scores.tolist()]
    return asked([BINARY.classes[at] for at in happened], [*answers]), happened, scores


def test_figures_of_a_classifier_are_scikit_learns() -> None:
    found, happened, scores = binary_rows()
    figures = figures_of(BINARY, found)
    assert figures["accuracy"].value == pytest.approx(accuracy_score(happened, scores > 0.5))
    assert figures["brier"].value == pytest.approx(brier_score_loss(happened, scores))
    wilson = stats.binomtest(round(figures["accuracy"].value * 300), 300).proportion_ci(method="wilson")
    assert (figures["accuracy"].lower, figures["accuracy"].upper) == pytest.approx((wilson.low, wilson.high))
    assert figures["error_rate"].value == pytest.approx(1 - figures["accuracy"].value)
    assert not {"rows", "accuracy_se"} & figures.keys()


def test_rows_without_answer_or_label_are_left_out() -> None:
    yes = {"label": "yes", "probabilities": [0.1, 0.9]}
    found = asked(["yes", None, "no", "yes", "never heard of"], [yes, yes, None, yes, yes])
    losses = losses_of(BINARY, found, truth_of(BINARY, found.rows.labels))
    assert np.isfinite(losses["brier"]).tolist() == [True, False, False, True, False]
    assert figures_of(BINARY, found)["accuracy"].value == 1.0


def test_figures_of_numbers() -> None:
    rng = np.random.default_rng(1)
    actual, given = rng.normal(size=200), rng.normal(size=200)
    found = asked([*actual.tolist()], [{"prediction": value} for value in given.tolist()])
    figures = figures_of(NUMBERS, found)
    assert figures["mae"].value == pytest.approx(mean_absolute_error(actual, given))
    interval = stats.ttest_1samp(np.abs(actual - given), 0).confidence_interval(0.95)
    assert (figures["mae"].lower, figures["mae"].upper) == pytest.approx((interval.low, interval.high))


def test_nothing_known_is_no_figure() -> None:
    found = asked([None, None], [{"prediction": 1.0}, {"prediction": 2.0}])
    assert losses_of(NUMBERS, found, truth_of(NUMBERS, found.rows.labels)) == {}
    assert losses_of(NUMBERS, asked([1.0], [None]), truth_of(NUMBERS, [1.0])) == {}


def test_baselines_know_the_shares_and_the_most_frequent_class() -> None:
    found, happened, _ = binary_rows()
    truth = truth_of(BINARY, found.rows.labels)
    brier, errors = baselines_of(BINARY, losses_of(BINARY, found, truth), truth)
    share = happened.mean()
    assert (brier.metric, errors.metric) == ("brier", "error_rate")
    assert brier.theirs == pytest.approx(share * (1 - share))
    assert errors.theirs == pytest.approx(min(share, 1 - share))
    assert brier.gain.lower is not None
    assert brier.gain.lower > 0


def test_the_baseline_of_three_classes_counts_a_class_that_never_happened() -> None:
    contract = Contract(inputs=BINARY.inputs, outputs=BINARY.outputs, task="multiclass", classes=("a", "b", "c"))
    answers = [{"label": "a", "probabilities": [0.8, 0.1, 0.1]}, {"label": "b", "probabilities": [0.1, 0.8, 0.1]}]
    found = asked(["a", "b"], [*answers])
    truth = truth_of(contract, found.rows.labels)
    brier, _ = baselines_of(contract, losses_of(contract, found, truth), truth)
    assert (brier.own, brier.theirs) == pytest.approx((0.06, 0.5))


def test_the_baseline_of_numbers_is_the_mean() -> None:
    found = asked([1.0, 2.0, 6.0], [{"prediction": value} for value in (1.0, 2.0, 6.0)])
    truth = truth_of(NUMBERS, found.rows.labels)
    (mean,) = baselines_of(NUMBERS, losses_of(NUMBERS, found, truth), truth)
    assert (mean.own, mean.theirs, mean.gain.value) == pytest.approx((0.0, 2.0, 1.0))


def test_equal_answers_gain_nothing_for_sure() -> None:
    losses = np.array([0.1, 0.5, 0.2, np.nan])
    found = compare("brier", losses, "wine:1", losses)
    assert found is not None
    assert (found.gain.value, found.gain.lower, found.gain.upper, found.rows) == (0.0, 0.0, 0.0, 3)


def test_nothing_in_common_is_no_comparison() -> None:
    assert compare("mae", np.array([1.0, np.nan]), "wine:1", np.array([np.nan, 1.0])) is None


@pytest.mark.parametrize(("own", "gain"), [(0.0, 0.0), (1.0, -1.0)])
def test_a_rival_without_any_loss(own: float, gain: float) -> None:
    found = compare("error_rate", np.full(5, own), "wine:1", np.zeros(5))
    assert found is not None
    assert (found.gain.value, found.gain.lower) == (gain, None)


def test_the_interval_of_a_gain_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(7)
    covered = 0
    runs = 1000
    for _ in range(runs):
        hard = rng.gamma(2.0, 1.0, 300)
        theirs = hard * rng.gamma(4.0, 0.25, 300)
        own = 0.9 * hard * rng.gamma(4.0, 0.25, 300)
        found = compare("mae", own, "wine:1", theirs)
        assert found is not None
        assert found.gain.lower is not None
        assert found.gain.upper is not None
        covered += found.gain.lower <= 0.1 <= found.gain.upper
    assert stats.binomtest(covered, runs, 0.95).pvalue > 0.001
