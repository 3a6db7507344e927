"""The bandit: traffic moves to the arm that earns most, as rewards arrive, in batches.

Every batch is a step with shares of its own, and every record has the propensity at which it was assigned, so that what
is logged can be evaluated later. No arm falls below the plan's floor, the champion neither: an arm that is never tried
is never known. All that a bandit knows follows from the log, so it goes on after any death where it was.

It ends by a person, by the plan's deadline, or when its last candidate is withdrawn for harm: which arm earns most is
what it finds while it runs, not a test with an end.
"""

from collections.abc import Mapping
from datetime import timedelta
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from interlock.domain.release import Gate, ReleasePlan
from interlock.domain.traffic import POINTS, position
from interlock.releases.deciding import ReleaseDecision, broken, harmful_arm, waiting
from interlock.releases.evidence import Evidence
from interlock.releases.wording import count, percent
from interlock.stats import bandit
from interlock.stats.bandit import Earned

GATES = ("earned", "errors")

# Shares move when one of them moves by this much: below it the simulation's own noise would.
_LEAST_MOVE = 0.01


def decide(evidence: Evidence, gates: Mapping[str, Gate]) -> ReleaseDecision:
    """Decide on a bandit that has begun. See `deciding.Decide`."""
    harmful = harmful_arm(evidence, gates)
    if harmful is not None:
        return harmful
    missing = broken(gates)
    if missing:
        return waiting(missing)
    release = evidence.release
    earned = [gates[f"earned {version}"] for version in release.remaining]
    few = [gate.reason for gate in earned if gate.outcome != "ok"]
    if few:
        return waiting(few)
    since = release.reweighed_at or release.step_started_at or evidence.at
    if evidence.at - since < timedelta(seconds=evidence.plan.update_seconds):
        return waiting([_standing(evidence, gates)])
    shares = _shares(evidence, earned)
    if max(abs(new - old) for new, old in zip(shares, release.shares, strict=True)) < _LEAST_MOVE:
        return waiting([_standing(evidence, gates)])
    told = ", ".join(f"{percent(share)} {version}" for version, share in _named(evidence, shares).items())
    return ReleaseDecision("reweigh", f"shared out anew: {told}; {_standing(evidence, gates)}", shares=shares)


def shares_of(plan: ReleasePlan, arms: list[Earned], rng: np.random.Generator) -> NDArray[np.float64]:
    """The share of each arm, the champion first.

    Args:
        arms: What each has earned, by rewards that are to be large (`to_be_large`).
        rng: For policies that draw.
    """
    if plan.policy == "thompson":
        wanted = bandit.thompson(arms, kind=plan.reward_kind, rng=rng)
    elif plan.policy == "ucb1":
        wanted = bandit.ucb1(arms, scale=1.0 if plan.reward_kind == "bernoulli" else 2 * _spread(arms))
    else:
        wanted = bandit.epsilon_greedy(arms, epsilon=plan.epsilon)
    return bandit.with_floor(wanted, plan.floor)


def to_be_large(plan: ReleasePlan, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rewards turned so that large ones are good; those of 0 and 1 stay of 0 and 1."""
    if plan.goal == "maximise":
        return values
    return 1 - values if plan.reward_kind == "bernoulli" else -values


def _shares(evidence: Evidence, earned: list[Gate]) -> tuple[float, ...]:
    """The share of each candidate, in order and in whole millionths; none for those that were withdrawn."""
    release = evidence.release
    arms = [_earned(earned[0], "champion"), *(_earned(gate, "challenger") for gate in earned)]
    # The same look gives the same shares, whoever makes it and however often.
    seed = int(position(release.salt, f"step {release.step}") * 2**53)
    found = shares_of(evidence.plan, arms, np.random.default_rng(seed))
    whole = {version: int(share * POINTS) / POINTS for version, share in zip(release.remaining, found[1:], strict=True)}
    return tuple(whole.get(version, 0.0) for version in release.candidates)


def _earned(gate: Gate, side: str) -> Earned:
    return Earned(*(float(gate.details[f"{side}_{name}"]) for name in ("units", "mean", "variance")))


def _spread(arms: list[Earned]) -> float:
    units = sum(arm.units for arm in arms)
    return sqrt(sum(arm.units * arm.variance for arm in arms) / units) if units else 1.0


def _named(evidence: Evidence, shares: tuple[float, ...]) -> dict[str, float]:
    release = evidence.release
    return {release.champion: 1 - sum(shares), **dict(zip(release.candidates, shares, strict=True))}


def _standing(evidence: Evidence, gates: Mapping[str, Gate]) -> str:
    """What each arm has earned."""
    release = evidence.release
    earned = [gates[f"earned {version}"] for version in release.remaining]
    rewarded = sum(gate.counts["challenger"] for gate in earned) + earned[0].counts["champion"]
    sides = [(release.champion, earned[0].details["champion_reward"])]
    sides += [(str(gate.version), gate.details["challenger_reward"]) for gate in earned]
    means = ", ".join(f"{version} {mean:.4g}" for version, mean in sides)
    return f"{evidence.plan.reward} {means}, after {count(rewarded)} rewards"
