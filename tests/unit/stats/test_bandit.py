"""Policies: known values, and cumulative regret beside MABWiser's on the same problems."""

from collections.abc import Callable
from math import log

import numpy as np
import pytest
from numpy.typing import NDArray

from interlock.stats import bandit
from interlock.stats.bandit import Earned

Policy = Callable[[list[Earned], np.random.Generator], NDArray[np.float64]]
POLICIES: dict[str, Policy] = {
    "thompson": lambda arms, rng: bandit.thompson(arms, kind="bernoulli", rng=rng),
    "gaussian": lambda arms, rng: bandit.thompson(arms, kind="gaussian", rng=rng),
    "ucb1": lambda arms, _: bandit.ucb1(arms),
    "epsilon_greedy": lambda arms, _: bandit.epsilon_greedy(arms, epsilon=0.1),
}
PROBLEMS = {"easy": (0.9, 0.5, 0.1), "usual": (0.30, 0.35, 0.45), "many": (0.2, 0.25, 0.3, 0.35, 0.5)}
BATCH, BATCHES, FLOOR = 100, 100, 0.01


def test_ucb1_is_that_of_mabwiser() -> None:
    arms = [Earned(3, 1 / 3, 0), Earned(2, 0.0, 0), Earned(5, 3 / 5, 0)]
    assert bandit.ucb1_bounds(arms) == pytest.approx([1.5723073962832794, 1.5174271293851465, 1.5597051824376162])
    assert bandit.ucb1(arms).tolist() == [1.0, 0.0, 0.0]


def test_the_best_of_three_gets_the_most_also_where_little_is_good() -> None:
    # A known bug elsewhere gives the best of three arms nothing when the goal is to minimise.
    costs = (0.0, 1.0, 2.0)
    arms = [Earned(200, -cost, 1.0) for cost in costs]
    for name in ("gaussian", "ucb1", "epsilon_greedy"):
        shares = POLICIES[name](arms, np.random.default_rng(1))
        assert shares.argmax() == 0, name
        assert shares.sum() == pytest.approx(1.0)


def test_thompsons_shares_are_the_probabilities_of_being_best() -> None:
    # P(Beta(1 + 30, 1 + 70) > Beta(1 + 20, 1 + 80)) by numerical integration: 0.9486.
    from scipy import integrate, stats

    better, worse = stats.beta(31, 71), stats.beta(21, 81)
    expected = integrate.quad(lambda x: better.pdf(x) * worse.cdf(x), 0, 1)[0]
    shares = bandit.thompson([Earned(100, 0.3, 0), Earned(100, 0.2, 0)], kind="bernoulli", rng=np.random.default_rng(2))
    assert shares[0] == pytest.approx(expected, abs=0.006)


def test_arms_without_rewards_are_tried() -> None:
    arms = [Earned(1000, 0.9, 0.09), Earned(0, 0, 0)]
    for name, policy in POLICIES.items():
        assert policy(arms, np.random.default_rng(3))[1] > 0.05, name


def test_a_floor_keeps_the_order_and_cannot_be_too_high() -> None:
    shares = bandit.with_floor(np.array([0.0, 0.01, 0.99]), 0.05)
    assert shares.min() == pytest.approx(0.05)
    assert np.argsort(shares).tolist() == [0, 1, 2]
    assert shares.sum() == pytest.approx(1.0)
    with pytest.raises(ValueError, match=r"floor == 0\.4"):
        bandit.with_floor(np.array([0.5, 0.3, 0.2]), 0.4)


def test_weighting_takes_the_hour_out() -> None:
    # Equal arms; everybody earns twice as much in the second half, when this arm has 90 % of the traffic.
    arm, other = (np.repeat([0.1, 0.2], sizes) for sizes in ((100, 900), (900, 100)))
    shares, rest = (np.repeat(each, sizes) for each, sizes in (([0.1, 0.9], (100, 900)), ([0.9, 0.1], (900, 100))))
    assert bandit.weighted(arm, shares).mean == pytest.approx(bandit.weighted(other, rest).mean)
    assert arm.mean() > 1.5 * other.mean()


def _regret(policy: Policy, means: tuple[float, ...], seed: int) -> float:
    """Cumulative regret of batches of fixed size, as the bandit strategy runs them."""
    rng = np.random.default_rng(seed)
    shares = np.full(len(means), 1 / len(means))
    values: list[list[NDArray[np.float64]]] = [[] for _ in means]
    weights: list[list[NDArray[np.float64]]] = [[] for _ in means]
    lost = 0.0
    for _ in range(BATCHES):
        for arm, number in enumerate(rng.multinomial(BATCH, shares)):
            values[arm].append((rng.random(number) < means[arm]).astype(np.float64))
            weights[arm].append(np.full(number, shares[arm]))
            lost += number * (max(means) - means[arm])
        arms = [bandit.weighted(np.concatenate(v), np.concatenate(w)) for v, w in zip(values, weights, strict=True)]
        shares = bandit.with_floor(policy(arms, rng), FLOOR)
    return lost


def _allowed(means: tuple[float, ...]) -> float:
    """The order that theory gives UCB1 and Thompson, with what the floor and the first batch cost."""
    gaps = [max(means) - mean for mean in means if mean < max(means)]
    units = BATCH * BATCHES
    return sum(8 * log(units) / gap for gap in gaps) + sum(FLOOR * units * gap + BATCH * gap for gap in gaps)


@pytest.mark.slow
@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("name", ["thompson", "gaussian", "ucb1"])
def test_regret_is_within_theorys_order(name: str, problem: str) -> None:
    means = PROBLEMS[problem]
    regrets = [_regret(POLICIES[name], means, seed) for seed in range(5)]
    assert np.mean(regrets) <= _allowed(means)
    evenly = BATCH * BATCHES * float(np.mean(max(means) - np.array(means)))
    # UCB1 explores much: at this horizon its own theory leaves it more than half of what even shares lose.
    assert np.mean(regrets) < evenly * (2 / 3 if name == "ucb1" else 1 / 3)


@pytest.mark.slow
@pytest.mark.parametrize("problem", PROBLEMS)
def test_regret_is_beside_mabwisers(problem: str) -> None:
    """On the same seeds, one decision at a time as MABWiser makes them; ours in batches and with a floor."""
    mabwiser = pytest.importorskip("mabwiser.mab")
    means = PROBLEMS[problem]
    theirs = []
    for seed in range(2):
        rng = np.random.default_rng(seed)
        arms = list(range(len(means)))
        policy = mabwiser.MAB(arms, mabwiser.LearningPolicy.ThompsonSampling(), seed=seed)
        first = [arm for arm in arms for _ in range(BATCH // len(arms))]
        policy.fit(first, [int(rng.random() < means[arm]) for arm in first])
        lost = sum(max(means) - means[arm] for arm in first)
        for _ in range(BATCH * BATCHES - len(first)):
            arm = policy.predict()
            policy.partial_fit([arm], [int(rng.random() < means[arm])])
            lost += max(means) - means[arm]
        theirs.append(lost)
    ours = [_regret(POLICIES["thompson"], means, seed) for seed in range(2)]
    floor = sum(FLOOR * BATCH * BATCHES * (max(means) - mean) for mean in means)
    assert np.mean(ours) <= 2 * np.mean(theirs) + floor + BATCH
