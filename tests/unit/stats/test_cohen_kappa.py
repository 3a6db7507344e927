import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from interlock.stats import cohen_kappa


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("classes", [2, 5])
def test_kappa_is_that_of_scikit_learn(seed: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    first = rng.integers(0, classes, 200)
    second = np.where(rng.random(200) < 0.6, first, rng.integers(0, classes, 200))
    found = cohen_kappa.analyze(first, second)
    assert found.kappa == pytest.approx(cohen_kappa_score(first, second), abs=1e-12)
    assert found.agreement == pytest.approx((first == second).mean())


def test_annotators_who_guess_have_a_kappa_around_zero() -> None:
    rng = np.random.default_rng(1)
    found = [cohen_kappa.analyze(*rng.integers(0, 3, (2, 100))).kappa or 0.0 for _ in range(400)]
    assert np.mean(found) == pytest.approx(0, abs=4 * float(np.std(found)) / 20)


def test_full_agreement_is_one_and_one_word_from_both_says_nothing() -> None:
    assert cohen_kappa.analyze(["a", "b"], ["a", "b"]).kappa == 1
    alone = cohen_kappa.analyze(["a", "a"], ["a", "a"])
    assert (alone.agreement, alone.kappa) == (1, None)


@pytest.mark.parametrize(("first", "second"), [([], []), (["a"], ["a", "b"]), ([["a"]], [["a"]])])
def test_cases_that_only_one_labelled_are_refused(first: list[str], second: list[str]) -> None:
    with pytest.raises(ValueError, match="one value per case"):
        cohen_kappa.analyze(first, second)
