from itertools import combinations

import numpy as np
import pytest

from interlock.stats import fleiss_kappa

# The worked example that is printed everywhere: 14 people, 10 cases, 5 categories.
PUBLISHED = [
    [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
]  # fmt: skip


def test_the_published_example() -> None:
    found = fleiss_kappa.analyze(PUBLISHED)
    assert (found.cases, found.answers) == (10, 14)
    assert found.agreement == pytest.approx(0.378, abs=5e-4)
    assert found.expected == pytest.approx(0.213, abs=5e-4)
    assert found.kappa == pytest.approx(0.210, abs=5e-4)


def test_agreement_is_the_share_of_pairs_of_answers_that_say_the_same() -> None:
    rng = np.random.default_rng(1)
    answers = rng.integers(0, 3, (50, 4))
    counts = np.array([np.bincount(row, minlength=3) for row in answers])
    same = [row[i] == row[j] for row in answers for i, j in combinations(range(4), 2)]
    assert fleiss_kappa.analyze(counts).agreement == pytest.approx(np.mean(same))


def test_annotators_who_guess_have_a_kappa_around_zero() -> None:
    rng = np.random.default_rng(2)
    found = [fleiss_kappa.analyze(rng.multinomial(5, [0.2, 0.3, 0.5], 100)).kappa or 0.0 for _ in range(400)]
    # Shares are estimated from the same answers, which costs one part in their number.
    assert np.mean(found) == pytest.approx(-1 / 500, abs=4 * float(np.std(found)) / 20)


@pytest.mark.parametrize("counts", [[], [[1, 0], [1, 0]], [[2, 0], [1, 2]], [[3, -1]], [[1.5, 0.5]]])
def test_cases_with_unequal_or_single_answers_are_refused(counts: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="must be"):
        fleiss_kappa.analyze(counts)


def test_one_category_says_nothing() -> None:
    assert fleiss_kappa.analyze([[2, 0], [2, 0]]).kappa is None
