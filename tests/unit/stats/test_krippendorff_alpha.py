from itertools import permutations
from typing import Literal

import krippendorff
import numpy as np
import pytest
from numpy.typing import NDArray

from interlock.stats import krippendorff_alpha

N = float("nan")

# Krippendorff (2011), section C: four observers, twelve units, one row an observer.
PUBLISHED = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, N, N, N],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, N, 3],
        [N, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, N],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, N],
    ]
).T


def by_pairs(table: NDArray[np.float64], level: str) -> float:
    """The definition, pair by pair."""

    def distance(one: float, other: float) -> float:
        return float(one != other) if level == "nominal" else (one - other) ** 2

    kept = [row[np.isfinite(row)] for row in table]
    kept = [row for row in kept if len(row) > 1]
    values = np.concatenate(kept)
    observed = sum(sum(distance(*pair) for pair in permutations(row, 2)) / (len(row) - 1) for row in kept) / len(values)
    expected = sum(distance(*pair) for pair in permutations(values, 2)) / (len(values) * (len(values) - 1))
    return 1 - observed / expected


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.743), ("interval", 0.849)])
def test_the_published_example(level: Literal["nominal", "interval"], alpha: float) -> None:
    found = krippendorff_alpha.analyze(PUBLISHED, level=level)
    assert (found.cases, found.answers) == (11, 40)
    assert found.alpha == pytest.approx(alpha, abs=5e-4)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("level", ["nominal", "interval"])
def test_alpha_is_that_of_its_definition_and_of_another_program(
    seed: int, level: Literal["nominal", "interval"]
) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 4, 40)
    table = np.where(rng.random((40, 5)) < 0.7, truth[:, None], rng.integers(0, 4, (40, 5))).astype(float)
    table[rng.random((40, 5)) < 0.4] = N
    found = krippendorff_alpha.analyze(table, level=level).alpha
    assert found == pytest.approx(by_pairs(table, level), abs=1e-12)
    assert found == pytest.approx(krippendorff.alpha(reliability_data=table.T, level_of_measurement=level), abs=1e-9)


def test_annotators_who_guess_have_an_alpha_around_zero() -> None:
    rng = np.random.default_rng(3)
    found = [krippendorff_alpha.analyze(rng.integers(0, 3, (60, 3))).alpha or 0.0 for _ in range(300)]
    assert np.mean(found) == pytest.approx(0, abs=4 * np.std(found) / np.sqrt(300))


@pytest.mark.parametrize("table", [[[1, N], [N, 2]], [[1, 1], [1, 1]], np.empty((0, 2))])
def test_without_two_answers_or_without_variety_there_is_no_alpha(table: list[list[float]]) -> None:
    assert krippendorff_alpha.analyze(table).alpha is None


def test_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="cases, annotators"):
        krippendorff_alpha.analyze([1.0, 2.0])
