import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedShuffleSplit

from interlock.stats.calibration import UNCHANGED, area_under_curve, isotonic, learn, stratified_splits
from interlock.stats.calibration_uncertainty import resampled_curves


def scored(rows: int, seed: int, *, sure: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    logit = rng.normal(size=rows)
    labels = (rng.random(rows) < 1 / (1 + np.exp(-logit))).astype(np.float64)
    return 1 / (1 + np.exp(-sure * logit)), labels


@pytest.mark.parametrize("digits", [1, 3, 12])
def test_the_curve_is_that_of_scikit_learn(digits: int) -> None:
    scores, labels = scored(3_000, 1)
    scores = scores.round(digits)
    expected = IsotonicRegression(out_of_bounds="clip").fit(scores, labels)
    asked = np.linspace(-0.2, 1.2, 400)
    assert isotonic(scores, labels).apply(asked) == pytest.approx(expected.predict(asked), abs=1e-9)


@pytest.mark.parametrize("rows", [101, 1_000, 1_234])
def test_splits_are_those_of_scikit_learn(rows: int) -> None:
    scores, labels = scored(rows, rows)
    theirs = StratifiedShuffleSplit(10, test_size=0.1, random_state=42).split(scores, labels)
    for (train, test), (their_train, their_test) in zip(stratified_splits(labels), theirs, strict=True):
        assert train.tolist() == their_train.tolist()
        assert test.tolist() == their_test.tolist()


def test_the_area_is_that_of_scikit_learn() -> None:
    scores, labels = scored(500, 4)
    assert area_under_curve(scores.round(1), labels) == pytest.approx(roc_auc_score(labels, scores.round(1)))
    assert np.isnan(area_under_curve(scores, np.ones(500)))


def test_overconfident_scores_are_calibrated_and_perfect_ones_left_alone() -> None:
    assert learn(*scored(4_000, 2, sure=3.0)) is not UNCHANGED
    labels = (np.arange(400) % 2).astype(np.float64)
    assert learn(labels * 0.8 + 0.1, labels) is UNCHANGED


def test_too_few_rows_and_one_class_are_refused() -> None:
    with pytest.raises(ValueError, match="39 rows"):
        learn(*(side[:39] for side in scored(100, 1)))
    with pytest.raises(ValueError, match="both classes"):
        learn(np.linspace(0, 1, 100), np.ones(100))


def test_curves_spread_as_those_of_new_references_do() -> None:
    asked = np.array([0.2, 0.5, 0.8])
    new = np.array([isotonic(*scored(2_000, seed)).apply(asked) for seed in range(300)])
    scores, labels = scored(2_000, 999)
    curves = resampled_curves(isotonic(scores, labels), scores, labels, curves=300, rng=np.random.default_rng(0))
    drawn = np.array([curve.apply(asked) for curve in curves])
    assert drawn.std(axis=0) == pytest.approx(new.std(axis=0), rel=0.5)
    assert ((drawn >= 0) & (drawn <= 1)).all()
