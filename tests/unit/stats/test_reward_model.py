import numpy as np
import pytest
from sklearn.linear_model import Ridge

from interlock.stats.reward_model import FOLDS, cross_fitted


def test_each_fold_is_predicted_as_scikit_learn_would_from_the_others() -> None:
    rng = np.random.default_rng(0)
    x, actions, folds = rng.normal(size=(500, 3)), rng.integers(0, 2, 500), rng.integers(0, FOLDS, 500)
    rewards = x @ [1.0, -2.0, 0.5] * (1 + actions) + rng.normal(size=500)
    found = cross_fitted(x, actions, rewards, folds, count=2, ridge=2.0)
    for fold in range(FOLDS):
        for action in (0, 1):
            seen = (folds != fold) & (actions == action)
            expected = Ridge(alpha=2.0).fit(x[seen], rewards[seen]).predict(x[folds == fold])
            assert found[folds == fold, action] == pytest.approx(expected, abs=1e-6)


def test_an_action_that_was_never_seen_is_predicted_by_the_mean_of_all() -> None:
    rewards = np.arange(100.0)
    folds = np.arange(100) % FOLDS
    found = cross_fitted(np.zeros((100, 0)), np.zeros(100, dtype=int), rewards, folds, count=2)
    assert found[folds == 0, 1] == pytest.approx(rewards[folds != 0].mean())
    assert found[folds == 0, 0] == pytest.approx(rewards[folds != 0].mean())


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="must have equal rows"):
        cross_fitted(np.zeros((3, 1)), [0, 0], [1.0, 2.0], [0, 1], count=1)
    with pytest.raises(ValueError, match="ridge == 0"):
        cross_fitted(np.zeros((1, 1)), [0], [1.0], [0], count=1, ridge=0)
