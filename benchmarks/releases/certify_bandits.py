"""What bandits lose while they learn, whether their propensities are true, and whether off-policy intervals cover.

Usage: `python -m benchmarks.releases.certify_bandits [--quick] [--runs 500] [--seed 1] [--write docs/statistics.md]`.

The product's policies (`releases.bandit.shares_of`) share out batches of units; rewards of a batch are known before the
next, weighted by the inverse of the propensity as the product weighs them. MABWiser's policies decide every unit of the
same batches and learn from the same rewards. Regret is what the best arm would have earned more. Exit code 1 if regret
is beyond ten times the order that theory gives, a propensity is not how often its arm was drawn, or an interval covers
the truth less often than it says, each by more than three standard errors.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import log

import numpy as np
from mabwiser.mab import MAB, LearningPolicy
from numpy.typing import NDArray

from benchmarks.releases import certificate
from interlock.domain.release import Policy, ReleasePlan
from interlock.releases.bandit import shares_of
from interlock.stats import bandit, off_policy, reward_model

UNITS, BATCHES = 5000, 50
FLOOR = 0.01
ALPHA = 0.05

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Problem:
    """Means of the arms; rewards are 0 and 1, or normal with this deviation."""

    name: str
    means: tuple[float, ...]
    deviation: float | None = None

    def rewards(self, rng: np.random.Generator, arms: Ints) -> Floats:
        means = np.array(self.means)[arms]
        if self.deviation is None:
            return (rng.random(len(arms)) < means).astype(np.float64)
        return means + rng.normal(0, self.deviation, len(arms))

    @property
    def gaps(self) -> Floats:
        return max(self.means) - np.array(self.means)

    @property
    def order(self) -> float:
        """Regret of theory's order: the sum over arms of log(n) * scale² / gap, and what the floor costs."""
        scale = 1.0 if self.deviation is None else 2 * self.deviation
        apart = self.gaps[self.gaps > 0]
        return float((log(UNITS) * scale**2 / apart).sum() + FLOOR * UNITS * apart.sum())


PROBLEMS = (
    Problem("0/1, one arm better", (0.10, 0.10, 0.16)),
    Problem("0/1, five arms", (0.30, 0.35, 0.40, 0.45, 0.55)),
    Problem("normal", (0.0, 0.2, 0.5), 1.0),
)

THEIRS: Mapping[Policy, Callable[[Problem], object]] = {
    "thompson": lambda problem: LearningPolicy.ThompsonSampling() if problem.deviation is None else None,
    "ucb1": lambda _: LearningPolicy.UCB1(alpha=1.0),
    "epsilon_greedy": lambda _: LearningPolicy.EpsilonGreedy(epsilon=0.1),
}


@dataclass
class Played:
    """One run of ours: arms, propensities and rewards of every unit, and all shares of its batch."""

    arms: Ints
    propensities: Floats
    rewards: Floats
    shares: Floats


def play(rng: np.random.Generator, problem: Problem, policy: Policy) -> Played:
    """Share out batch after batch as the product does."""
    kind = "bernoulli" if problem.deviation is None else "gaussian"
    plan = ReleasePlan(policy=policy, reward="r", reward_kind=kind, floor=FLOOR, steps=())  # type: ignore[arg-type]
    count, size = len(problem.means), UNITS // BATCHES
    arms, rewards = np.zeros(0, dtype=np.int64), np.zeros(0)
    propensities, shares, now = np.zeros(0), np.zeros((0, count)), np.full(count, 1 / count)
    for _ in range(BATCHES):
        drawn = rng.choice(count, size, p=now)
        arms, rewards = np.append(arms, drawn), np.append(rewards, problem.rewards(rng, drawn))
        propensities, shares = np.append(propensities, now[drawn]), np.vstack((shares, np.tile(now, (size, 1))))
        earned = [bandit.weighted(rewards[arms == arm], propensities[arms == arm]) for arm in range(count)]
        now = shares_of(plan, earned, rng)
    return Played(arms, propensities, rewards, shares)


def play_theirs(rng: np.random.Generator, problem: Problem, policy: Policy) -> float | None:
    """Regret of MABWiser on the same batches; None where it has no such policy."""
    learning, size = THEIRS[policy](problem), UNITS // BATCHES
    if learning is None:
        return None
    count = len(problem.means)
    theirs = MAB(list(range(count)), learning, seed=int(rng.integers(1 << 30)))
    drawn = rng.choice(count, size)
    theirs.fit(drawn, problem.rewards(rng, drawn))
    regret = float(problem.gaps[drawn].sum())
    for _ in range(BATCHES - 1):
        drawn = np.array([theirs.predict() for _ in range(size)])
        theirs.partial_fit(drawn, problem.rewards(rng, drawn))
        regret += float(problem.gaps[drawn].sum())
    return regret


def regret_rows(runs: int, seed: int) -> tuple[list[list[str]], bool]:
    """Regret of both, by problem and policy."""
    lines, kept = [], True
    for problem in PROBLEMS:
        for policy in THEIRS:
            seed += 1
            ours = [
                float(problem.gaps[play(np.random.default_rng([seed, run]), problem, policy).arms].sum())
                for run in range(runs)
            ]
            theirs = [play_theirs(np.random.default_rng([seed, run]), problem, policy) for run in range(runs)]
            known = [each for each in theirs if each is not None]
            even = UNITS * float(problem.gaps.mean())
            good = float(np.mean(ours)) <= 10 * problem.order
            kept &= good
            said = f"{np.mean(ours):,.0f} ± {np.std(ours) / runs**0.5:.0f}" + ("" if good else " **broken**")
            beside = f"{np.mean(known):,.0f} ± {np.std(known) / runs**0.5:.0f}" if known else "has none"
            lines.append([problem.name, policy, str(seed), said, beside, f"{even:,.0f}", f"{problem.order:,.0f}"])
            print(*lines[-1], file=sys.stderr)
    return lines, kept


def calibration_rows(runs: int, seed: int) -> tuple[list[list[str]], bool]:
    """How often an arm was drawn, by the propensity that was logged for it."""
    problem, said, hit = PROBLEMS[1], [], []
    for run in range(runs):
        played = play(np.random.default_rng([seed, run]), problem, "thompson")
        said.append(played.shares)
        hit.append(np.arange(len(problem.means))[None, :] == played.arms[:, None])
    propensities, drawn = np.vstack(said).ravel(), np.vstack(hit).ravel()
    lines, kept = [], True
    edges = (0.0, 0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0)
    for low, high in pairwise(edges):
        here = (propensities >= low) & (propensities < high)
        if not here.any():
            continue
        mean, share = float(propensities[here].mean()), float(drawn[here].mean())
        error = float((propensities[here] * (1 - propensities[here])).sum() ** 0.5 / here.sum())
        good = abs(share - mean) <= 3 * error
        kept &= good
        mark = "" if good else " **broken**"
        lines.append(
            [f"{low:g} to {high:g}", f"{int(here.sum()):,}", f"{mean:.4f}", f"{share:.4f}{mark}", f"{error:.4f}"]
        )
    return lines, kept


def coverage_rows(runs: int, seed: int) -> tuple[list[list[str]], bool]:
    """How often intervals of another policy's reward hold the truth, on what a bandit logged."""
    target = np.array((0.1, 0.1, 0.2, 0.3, 0.3))
    problem, hits = PROBLEMS[1], {"ips": 0, "snips": 0, "dr": 0}
    errors: dict[str, list[float]] = {name: [] for name in hits}
    truth = float(target @ np.array(problem.means))
    for run in range(runs):
        rng = np.random.default_rng([seed, run])
        played = play(rng, problem, "thompson")
        folds = np.arange(UNITS) % reward_model.FOLDS
        predicted = reward_model.cross_fitted(
            np.zeros((UNITS, 0)), played.arms, played.rewards, folds, count=len(target)
        )
        model = (predicted[np.arange(UNITS), played.arms], predicted @ target)
        found = off_policy.analyze(
            np.arange(UNITS), played.rewards, played.propensities, target[played.arms], model=model, alpha=ALPHA
        )
        for name in hits:
            estimate = getattr(found, name)
            hits[name] += estimate.lower <= truth <= estimate.upper
            errors[name].append(estimate.value - truth)
    lines, kept = [], True
    for name, hit in hits.items():
        missed = 1 - hit / runs
        said = certificate.told(missed, ALPHA, runs)
        kept &= "broken" not in said
        lines.append([name, f"{np.mean(errors[name]):+.4f}", f"{np.std(errors[name]):.4f}", said])
    return lines, kept


def main() -> None:
    """Simulate, print, and write into the page if asked to."""
    options = certificate.options(__doc__, runs=500, quick=10)
    runs, seed = options.runs, options.seed
    regret, low = regret_rows(runs, seed)
    calibrated, true = calibration_rows(runs, seed + 100)
    covered, covers = coverage_rows(runs, seed + 200)
    about = (
        f"Mean regret of {runs:,} runs with {UNITS:,} units in {BATCHES} batches and a floor of {FLOOR:.0%}, with its "
        "standard error; beside it MABWiser's policy of that name on the same problems, batches and seeds, which "
        "decides every unit anew and has no floor (its UCB1 takes rewards to lie between 0 and 1, ours scales by their "
        "deviation); what an even split loses; and theory's order without its constant (the sum of log n × scale² / "
        "gap, and the floor's cost)."
    )
    drawn = (
        f"Propensities as logged, and how often their arm was drawn; five arms, Thompson, {runs:,} runs, "
        f"seed {seed + 100}."
    )
    other = (
        f"Reward of another policy on the same logs, {runs:,} runs, seed {seed + 200}: the error of each estimate, and "
        f"how often its interval missed the truth (promised: at most {ALPHA:.0%})."
    )
    tables = (
        certificate.table(["problem", "policy", "seed", "ours", "MABWiser", "even split", "order"], regret),
        certificate.table(["propensity", "draws", "logged (mean)", "drawn", "standard error"], calibrated),
        certificate.table(["estimator", "mean error", "deviation", "missed"], covered),
    )
    text = "\n\n".join(each for pair in zip((about, drawn, other), tables, strict=True) for each in pair)
    certificate.finish("certify_bandits", text, options.write, kept=low and true and covers)


if __name__ == "__main__":
    main()
