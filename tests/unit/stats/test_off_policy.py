"""Estimates against closed forms and a delete-one-unit jackknife; their intervals by simulation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from interlock.stats import reward_model
from interlock.stats.asymptotic_sequence import radius
from interlock.stats.off_policy import Estimate, OffPolicyResult, analyze

Floats = NDArray[np.float64]
MEANS = np.array([0.2, 0.3, 0.6])


@dataclass(frozen=True)
class Logged:
    """Rows of units that stick to one of three actions."""

    units: NDArray[np.int64]
    actions: NDArray[np.int64]
    x: Floats
    rewards: Floats
    propensities: Floats

    def analyze(self, target: Floats, rows: int | None = None, **more: Any) -> OffPolicyResult:
        some = slice(0, rows)
        return analyze(
            self.units[some], self.rewards[some], self.propensities[some], target[self.actions[some]], **more
        )


def draw(rng: np.random.Generator, units: int, shares: Floats, *, most_rows: int = 3) -> Logged:
    """Rewards are 0 or 1, more often 1 for a large x (known before) and in units that are that way inclined."""
    rows = rng.integers(1, most_rows + 1, units)
    number = np.repeat(np.arange(units), rows)
    actions = rng.choice(len(shares), units, p=shares)[number]
    x = rng.normal(size=len(number))
    inclined = rng.normal(0, 0.08, units)[number]
    chance = np.clip(MEANS[actions] + 0.1 * np.tanh(x) + inclined, 0, 1)
    return Logged(number, actions, x, (rng.random(len(number)) < chance).astype(float), shares[actions])


def truth(target: Floats) -> float:
    # Nothing is clipped far from the middle, so that the means stay what they are.
    return float(target @ MEANS)


def jackknife(logged: Logged, estimate: Callable[[NDArray[np.bool_]], float]) -> float:
    """Standard error by leaving out one unit at a time."""
    units = np.unique(logged.units)
    values = np.array([estimate(logged.units != unit) for unit in units])
    return float(np.sqrt((len(units) - 1) / len(units) * ((values - values.mean()) ** 2).sum()))


def test_point_estimates_are_those_of_their_definitions() -> None:
    logged = draw(np.random.default_rng(1), 500, np.array([0.5, 0.3, 0.2]))
    target = np.array([0.1, 0.1, 0.8])
    weight = target[logged.actions] / logged.propensities
    result = logged.analyze(target)
    assert result.ips.value == pytest.approx(np.mean(weight * logged.rewards))
    assert result.snips.value == pytest.approx(np.average(logged.rewards, weights=weight))
    assert result.logged.value == pytest.approx(logged.rewards.mean())
    assert (result.rows, result.units) == (len(logged.rewards), 500)
    by_unit = np.bincount(logged.units, weights=weight)
    assert result.effective_units == pytest.approx(by_unit.sum() ** 2 / (by_unit**2).sum())


def test_errors_are_those_of_a_jackknife_over_units() -> None:
    logged = draw(np.random.default_rng(2), 400, np.array([0.5, 0.3, 0.2]))
    target = np.array([0.2, 0.2, 0.6])
    weight = target[logged.actions] / logged.propensities
    result = logged.analyze(target)
    width = radius(400, alpha=0.05)
    ways: list[tuple[Estimate, Callable[[NDArray[np.bool_]], float]]] = [
        (result.ips, lambda kept: float(np.mean((weight * logged.rewards)[kept]))),
        (result.snips, lambda kept: float(np.average(logged.rewards[kept], weights=weight[kept]))),
        (result.logged, lambda kept: float(logged.rewards[kept].mean())),
    ]
    for estimate, of in ways:
        error = (estimate.upper - estimate.value) / width / np.sqrt(400)
        assert error == pytest.approx(jackknife(logged, of), rel=0.02)


def test_the_logging_policy_evaluates_to_what_it_earned() -> None:
    shares = np.array([0.5, 0.3, 0.2])
    logged = draw(np.random.default_rng(3), 1000, shares)
    result = logged.analyze(shares)
    assert result.ips.value == result.snips.value == result.logged.value
    assert result.mean_weight == 1.0
    assert result.effective_units == pytest.approx(result.units, rel=0.3)
    assert result.is_trusted


def test_the_doubly_robust_estimate_forgives_either_of_its_parts() -> None:
    rng, target = np.random.default_rng(4), np.array([0.0, 0.1, 0.9])
    logged = draw(rng, 60_000, np.array([0.5, 0.3, 0.2]), most_rows=1)
    right = MEANS[logged.actions], np.full(len(logged.actions), truth(target))
    wrong = np.full(len(logged.actions), 0.9), np.full(len(logged.actions), 0.9)
    bad_propensities = np.full(len(logged.actions), 1 / 3)

    def value(propensities: Floats, model: tuple[Floats, Floats]) -> float:
        result = analyze(logged.units, logged.rewards, propensities, target[logged.actions], model=model)
        assert result.dr is not None
        return result.dr.value

    assert value(logged.propensities, right) == pytest.approx(truth(target), abs=0.02)
    assert value(logged.propensities, wrong) == pytest.approx(truth(target), abs=0.02)
    assert value(bad_propensities, right) == pytest.approx(truth(target), abs=0.02)
    assert abs(value(bad_propensities, wrong) - truth(target)) > 0.05


@pytest.mark.parametrize(
    ("shares", "target"),
    [
        (np.array([0.4, 0.3, 0.3]), np.array([0.0, 0.0, 1.0])),
        (np.array([0.85, 0.1, 0.05]), np.array([0.1, 0.1, 0.8])),
    ],
)
def test_intervals_cover_the_truth_at_every_look_as_often_as_they_say(shares: Floats, target: Floats) -> None:
    rng = np.random.default_rng(5)
    runs, missed = 150, {"ips": 0, "snips": 0, "dr": 0}
    looks = np.unique(np.geomspace(600, 6000, 12).astype(int))
    for _ in range(runs):
        logged = draw(rng, 4000, shares)
        predicted = reward_model.cross_fitted(
            logged.x.reshape(-1, 1), logged.actions, logged.rewards, logged.units % reward_model.FOLDS, count=3
        )
        model = predicted[np.arange(len(predicted)), logged.actions], predicted @ target
        results = [logged.analyze(target, rows, model=tuple(part[:rows] for part in model)) for rows in looks]
        for name in missed:
            bounds = [getattr(result, name) for result in results]
            missed[name] += any(not each.lower <= truth(target) <= each.upper for each in bounds)
    # Over a dozen looks; 5 % are allowed over all.
    assert all(count / runs <= 0.05 for count in missed.values()), missed


def test_a_model_of_the_reward_narrows_the_interval() -> None:
    rng = np.random.default_rng(6)
    x = rng.normal(size=8000)
    actions = rng.integers(0, 2, 8000)
    rewards = 5 + 3 * x + actions + rng.normal(0, 0.5, 8000)
    predicted = reward_model.cross_fitted(x.reshape(-1, 1), actions, rewards, np.arange(8000) % 5, count=2)
    target = np.array([0.0, 1.0])
    model = predicted[np.arange(8000), actions], predicted @ target
    result = analyze(np.arange(8000), rewards, np.full(8000, 0.5), target[actions], model=model)
    assert result.dr is not None
    assert result.dr.value == pytest.approx(6.0 + 3 * x.mean(), abs=0.1)
    assert result.dr.upper - result.dr.lower < 0.75 * (result.snips.upper - result.snips.lower)


def test_extreme_weights_are_doubted() -> None:
    shares, target = np.array([0.98, 0.01, 0.01]), np.array([0.0, 0.0, 1.0])
    result = draw(np.random.default_rng(7), 3000, shares).analyze(target)
    assert not result.is_trusted
    assert "fewer than 100" in result.doubts[0]


def test_one_heavy_unit_is_doubted() -> None:
    units = np.concatenate([np.zeros(400, dtype=int), np.arange(1, 2001)])
    result = analyze(units, np.ones(2400), np.full(2400, 0.5), np.full(2400, 0.5))
    assert result.doubts == (
        "the weights leave as much as 36 units would say, fewer than 100",
        "one unit carries 17% of all weight",
    )


def test_wrong_propensities_are_doubted() -> None:
    logged = draw(np.random.default_rng(8), 5000, np.array([0.5, 0.3, 0.2]))
    result = analyze(logged.units, logged.rewards, np.full(len(logged.units), 0.5), np.ones(len(logged.units)))
    assert "weights are 2.00 on average" in result.doubts[-1]


def test_few_units_bound_nothing() -> None:
    result = analyze(np.arange(50), np.ones(50), np.full(50, 0.5), np.full(50, 0.5))
    assert (result.ips.lower, result.ips.upper) == (-np.inf, np.inf)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rewards": [1.0]}, "one value per row"),
        ({"rewards": [1.0, np.nan]}, "rewards must be finite"),
        ({"propensities": [0.5, 0.0]}, "over 0 and at most 1"),
        ({"propensities": [0.5, np.nan]}, "over 0 and at most 1"),
        ({"targets": [0.5, 1.2]}, "between 0 and 1"),
        ({"alpha": 1.0}, "alpha == 1.0"),
    ],
)
def test_bad_input_is_refused(change: dict[str, Any], said: str) -> None:
    good: dict[str, Any] = {
        "units": [1, 2], "rewards": [1.0, 0.0], "propensities": [0.5, 0.5], "targets": [1.0, 0.0], "alpha": 0.05
    }  # fmt: skip
    given = good | change
    with pytest.raises(ValueError, match=said):
        analyze(given["units"], given["rewards"], given["propensities"], given["targets"], alpha=given["alpha"])
