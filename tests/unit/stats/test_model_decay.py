"""Growth of the loss with a model's age: found where it is planted, and rarely where it is not."""

import numpy as np
import pytest
from numpy.typing import NDArray

from interlock.stats.model_decay import DecayResult, analyze

MODELS, STRETCHES, DAYS = 6, 9, 7.0
MODEL, STRETCH = np.array([(k, b) for b in range(STRETCHES) for k in range(MODELS) if k <= b]).T
AGES = (STRETCH - MODEL + 0.5) * DAYS


def simulated(rng: np.random.Generator, growth: float) -> NDArray[np.float64]:
    """Stretches of different difficulty, models of different luck, noise, and growth a day."""
    return np.asarray(
        0.2
        + rng.normal(0, 0.03, STRETCHES)[STRETCH]
        + rng.normal(0, 0.002, MODELS)[MODEL]
        + rng.normal(0, 0.002, len(MODEL))
        + growth * AGES
    )


def looked_at(growth: float, seed: int) -> list[DecayResult]:
    rng = np.random.default_rng(seed)
    return [analyze(MODEL, STRETCH, AGES, simulated(rng, growth), alpha=0.05) for _ in range(800)]


def test_it_is_the_slope_of_least_squares_with_a_mean_for_each_stretch() -> None:
    losses = simulated(np.random.default_rng(1), 0.0004)
    dummies = (STRETCH[:, None] == np.arange(STRETCHES)).astype(float)
    met = STRETCH > 0  # on the first stretch there is one model
    solved = np.linalg.lstsq(np.column_stack([AGES, dummies])[met], losses[met], rcond=None)[0]
    found = analyze(MODEL, STRETCH, AGES, losses, alpha=0.05)
    assert found.per_day == pytest.approx(solved[0])
    assert (found.models, found.stretches) == (MODELS, STRETCHES - 1)


def test_where_nothing_grows_growth_is_said_in_at_most_one_in_twenty() -> None:
    assert np.mean([found.lower > 0 for found in looked_at(0.0, 2)]) <= 0.055


def test_planted_growth_is_found_and_bounded() -> None:
    found = looked_at(0.0005, 3)
    assert np.mean([each.per_day for each in found]) == pytest.approx(0.0005, rel=0.05)
    assert np.mean([each.lower > 0 for each in found]) > 0.95
    assert np.mean([each.lower <= 0.0005 <= each.upper for each in found]) > 0.87


def test_difficulty_of_a_stretch_is_no_growth() -> None:
    losses = 0.2 + 0.05 * STRETCH
    found = analyze(MODEL, STRETCH, AGES, losses, alpha=0.05)
    assert found.per_day == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(("model", "stretch"), [([0], [0]), ([0, 1], [1, 1]), ([], [])])
def test_too_few_of_either_bound_nothing(model: list[int], stretch: list[int]) -> None:
    found = analyze(model, stretch, np.arange(len(model)), np.zeros(len(model)), alpha=0.05)
    assert not np.isfinite(found.upper)


@pytest.mark.parametrize(
    ("loss", "alpha", "said"),
    [([0.1], 0.05, "one value for each"), ([0.1, float("nan")], 0.05, "finite"), ([0.1, 0.2], 1.0, "alpha == 1.0")],
)
def test_nonsense_is_refused(loss: list[float], alpha: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        analyze([0, 1], [1, 1], [1.0, 2.0], loss, alpha=alpha)
