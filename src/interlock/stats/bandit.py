"""Policies of bandits: from what each arm has earned to the share of traffic it gets next.

Called by the bandit strategy with every batch. Pure: draws come from the `rng` that is given. Every policy maximises;
where little is good, the caller turns the rewards round: there is no second way through the code that could be wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, log, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

# Of the simulation behind Thompson's shares: they come out within half a point, and are exact as published.
_DRAWS = 20_000


@dataclass(frozen=True, slots=True)
class Earned:
    """What one arm has earned.

    Args:
        units: Effective number of observations, at least 0; not whole where they are weighted by propensities.
        mean: Of the rewards; any number where there are none.
        variance: Of the rewards.
    """

    units: float
    mean: float
    variance: float


def weighted(values: NDArray[np.float64], propensities: NDArray[np.float64]) -> Earned:
    """What an arm has earned, by rewards observed at different propensities.

    Weighted by their inverse (Hájek), so that a world that changes while shares change does not look like an arm's
    merit. The units are effective ones: `(sum w)² / sum w²`.

    Args:
        values, propensities: One a reward; propensities over 0 and at most 1.

    Examples:
        >>> found = weighted(np.array([0.0, 1.0]), np.array([0.5, 0.25]))
        >>> round(found.units, 3), round(found.mean, 3), round(found.variance, 3)
        (1.8, 0.667, 0.222)
    """
    if len(values) == 0:
        return Earned(0.0, 0.0, 0.0)
    weights = 1 / propensities
    whole = float(weights.sum())
    mean = float(weights @ values) / whole
    variance = float(weights @ (values - mean) ** 2) / whole
    return Earned(whole**2 / float(weights @ weights), mean, variance)


def thompson(
    arms: Sequence[Earned], *, kind: Literal["bernoulli", "gaussian"], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Shares by Thompson sampling: the probability, given the rewards, that an arm is the best.

    Args:
        arms: At least one.
        kind: `bernoulli`: rewards are 0 and 1, with a uniform prior on their mean; `gaussian`: any numbers, with a flat
            prior on their mean, and the variance as estimated from all arms.
        rng: For the simulation.

    Returns:
        One an arm, summing to 1.

    References:
        Thompson (1933), Biometrika 25; Chapelle & Li (2011), An empirical evaluation of Thompson sampling, NeurIPS 24.
    """
    draw = _beta if kind == "bernoulli" else _normal
    drawn = draw(arms, rng)
    return np.bincount(drawn.argmax(axis=1), minlength=len(arms)) / len(drawn)


def ucb1(arms: Sequence[Earned], *, scale: float = 1.0) -> NDArray[np.float64]:
    """All to the arm with the highest upper confidence bound `mean + scale * sqrt(2 ln n / n_arm)`.

    Args:
        scale: Range of the rewards: 1 for rewards between 0 and 1; twice the standard deviation of others.

    Examples:
        >>> bounds = ucb1_bounds([Earned(3, 1 / 3, 0), Earned(2, 0, 0), Earned(5, 0.6, 0)])
        >>> [round(float(bound), 6) for bound in bounds]
        [1.572307, 1.517427, 1.559705]

    References:
        Auer, Cesa-Bianchi & Fischer (2002), Finite-time analysis of the multiarmed bandit problem, Machine Learning 47.
    """
    return _all_to_best(ucb1_bounds(arms, scale=scale))


def ucb1_bounds(arms: Sequence[Earned], *, scale: float = 1.0) -> list[float]:
    """The bound of each arm; infinite for one without rewards."""
    units = sum(arm.units for arm in arms)
    return [
        arm.mean + scale * sqrt(2 * max(0.0, log(max(units, 1.0))) / arm.units) if arm.units > 0 else inf
        for arm in arms
    ]


def epsilon_greedy(arms: Sequence[Earned], *, epsilon: float) -> NDArray[np.float64]:
    """All but `epsilon` to the arm with the best mean; that evenly to all arms. Arms without rewards go first."""
    best = _all_to_best([arm.mean if arm.units > 0 else inf for arm in arms])
    return (1 - epsilon) * best + epsilon / len(arms)


def with_floor(shares: NDArray[np.float64], floor: float) -> NDArray[np.float64]:
    """Shares with a least one for every arm: `floor + (1 - arms * floor) * share`, which keeps their order.

    Raises:
        ValueError: The floors are more than there is.

    Examples:
        >>> with_floor(np.array([0.0, 0.25, 0.75]), 0.1).round(3).tolist()
        [0.1, 0.275, 0.625]
    """
    if not 0 <= floor * len(shares) <= 1:
        raise ValueError(f"floor == {floor}, must be between 0 and {1 / len(shares):g} with {len(shares)} arms")
    return floor + (1 - len(shares) * floor) * shares


def _all_to_best(scores: Sequence[float]) -> NDArray[np.float64]:
    """Evenly where several are the best."""
    best = np.array([score == max(scores) for score in scores], dtype=np.float64)
    return np.asarray(best / best.sum(), dtype=np.float64)


def _beta(arms: Sequence[Earned], rng: np.random.Generator) -> NDArray[np.float64]:
    successes = [min(1.0, max(0.0, arm.mean)) * arm.units for arm in arms]
    drawn = [rng.beta(1 + won, 1 + arm.units - won, _DRAWS) for arm, won in zip(arms, successes, strict=True)]
    return np.stack(drawn, axis=1)


def _normal(arms: Sequence[Earned], rng: np.random.Generator) -> NDArray[np.float64]:
    known = [arm for arm in arms if arm.units > 0]
    units = sum(arm.units for arm in known)
    spread = sqrt(sum(arm.variance * arm.units for arm in known) / units) if units else 1.0
    center = sum(arm.mean * arm.units for arm in known) / units if units else 0.0
    columns = []
    for arm in arms:
        # One without rewards is as wide as three units apart: it is tried, and not preferred for ever.
        middle, deviation = (arm.mean, spread / sqrt(arm.units)) if arm.units > 0 else (center, 3 * spread or 1.0)
        columns.append(rng.normal(middle, deviation, _DRAWS))
    return np.stack(columns, axis=1)
