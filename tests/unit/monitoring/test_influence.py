import numpy as np
import pytest

from interlock.monitoring import influence
from interlock.stats import binary_quality

ALONE = np.arange(4000)


def test_standard_error_of_a_mean_is_the_textbook_one() -> None:
    losses = np.random.default_rng(1).exponential(size=4000)
    found = influence.standard_error(influence.of_mean(losses), ALONE)
    assert found == pytest.approx(losses.std(ddof=1) / np.sqrt(4000), rel=1e-3)


def test_rows_that_are_copies_of_each_other_count_once() -> None:
    losses = np.random.default_rng(2).exponential(size=400)
    once = influence.standard_error(influence.of_mean(losses), np.arange(400))
    copied = influence.standard_error(influence.of_mean(np.repeat(losses, 10)), np.repeat(np.arange(400), 10))
    assert copied == pytest.approx(once, rel=1e-6)


def test_standard_error_of_auc_agrees_with_hanley_and_mcneil_on_exponential_scores() -> None:
    # Their formula is exact for exponential scores: negatives with rate 1, positives with rate 1/2.
    rng = np.random.default_rng(3)
    happened = rng.random(4000) < 0.3
    raw = np.where(happened, rng.exponential(2, 4000), rng.exponential(1, 4000))
    scores = 1 - np.exp(-raw)
    found = influence.standard_error(influence.of_roc_auc(happened, scores), ALONE)
    assert found == pytest.approx(binary_quality.analyze(happened, scores).roc_auc_se or 0, rel=0.05)


def test_standard_error_of_f1_agrees_with_the_bootstrap() -> None:
    rng = np.random.default_rng(4)
    happened, decided = rng.random(2000) < 0.3, rng.random(2000) < 0.4
    decided |= happened & (rng.random(2000) < 0.5)
    again = rng.integers(0, 2000, (400, 2000))
    values = [binary_quality.analyze(happened[i], decided[i].astype(float), decided[i]).f1 for i in again]
    found = influence.standard_error(influence.of_f1(happened, decided), np.arange(2000))
    assert found == pytest.approx(np.std([value or 0 for value in values]), rel=0.12)


def test_standard_error_of_root_mean_squared_error_agrees_with_the_bootstrap() -> None:
    rng = np.random.default_rng(5)
    squares = np.square(rng.standard_normal(2000))
    values = [np.sqrt(squares[rng.integers(0, 2000, 2000)].mean()) for _ in range(400)]
    found = influence.standard_error(influence.of_root_mean(squares), np.arange(2000))
    assert found == pytest.approx(np.std(values), rel=0.12)


def test_one_row_has_no_error_and_perfect_predictions_have_none() -> None:
    assert influence.standard_error(np.array([0.0]), np.array([0])) is None
    assert influence.standard_error(influence.of_root_mean(np.zeros(5)), np.arange(5)) == 0.0
