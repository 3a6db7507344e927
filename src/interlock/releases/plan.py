"""The rules of a release plan. Called once, when a release starts; all faults are named at once."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import msgspec

from interlock.domain.errors import InvalidInputError
from interlock.domain.release import ARMED, ReleasePlan, Strategy
from interlock.releases.strategies import STRATEGIES

_SHARES = ("alpha", "latency_quantile", "max_failure_rate", "guard_max_failure_rate", "sample_ratio_alpha")
_AT_LEAST = {
    "min_units": 1,
    "min_labels": 1,
    "quality_margin": 0,
    "quality_harm": 0,
    "latency_ratio": 1,
    "latency_floor_ms": 0,
    "hold_seconds": 0,
    "watch_hours": 0,
    "step_hours": 0,
    "reward_hours": 0,
    "label_hours": 0,
    "mde": 0,
    "epsilon": 0,
    "floor": 0,
    "update_seconds": 1,
}
_MOST_SEGMENTS = 10
# A year: more is a slip of the pen, and far more is no length of time at all.
_AT_MOST = {"hold_seconds": 366 * 24 * 3600, "step_hours": 366 * 24, "label_hours": 366 * 24, "watch_hours": 366 * 24}


def of(strategy: str, given: Mapping[str, Any]) -> tuple[Strategy, ReleasePlan]:
    """The plan of a strategy with the fields that somebody gave.

    Raises:
        InvalidInputError: There is no such strategy or field, or a field has the wrong type.
    """
    known = next((name for name in STRATEGIES if name == strategy), None)
    if known is None:
        raise InvalidInputError(f"strategy == {strategy[:60]!r}, must be one of {', '.join(STRATEGIES)}")
    unknown = sorted(given.keys() - set(ReleasePlan.__struct_fields__))
    if unknown:
        raise InvalidInputError(
            *(f"plan has no {name!r}; it has: {', '.join(ReleasePlan.__struct_fields__)}" for name in unknown)
        )
    try:
        return known, msgspec.convert({**msgspec.to_builtins(STRATEGIES[known].plan), **given}, ReleasePlan)
    except msgspec.ValidationError as error:
        raise InvalidInputError(f"plan: {error}") from error


def check(plan: ReleasePlan, strategy: Strategy = "canary", candidates: int = 1) -> None:
    """Refuse a plan that breaks a rule, for so many candidates.

    Raises:
        InvalidInputError: With every fault.

    Examples:
        >>> check(ReleasePlan(steps=(0.5, 0.2), alpha=2))
        Traceback (most recent call last):
        interlock.domain.errors.InvalidInputError: steps == 0.5, 0.2: must rise strictly; ... alpha == 2, ...
    """
    faults = _step_faults(plan.steps, strategy)
    for name in _SHARES:
        if not 0 < getattr(plan, name) < 1:
            faults.append(f"{name} == {getattr(plan, name):g}, must be between 0 and 1, both excluded")
    for name, least in _AT_LEAST.items():
        value = getattr(plan, name)
        if value is not None and not least <= value < float("inf"):
            faults.append(f"{name} == {value:g}, must be a number of at least {least}")
    for name, most in _AT_MOST.items():
        if (getattr(plan, name) or 0) > most:
            faults.append(f"{name} == {getattr(plan, name):g}, must be at most {most}, a year")
    faults += plan.test.faults()
    if plan.test_data is not None and not plan.require_test:
        faults.append("test_data: only with require_test, which says that the candidate must pass a test")
    if plan.slices and strategy not in ("canary", "shadow"):
        faults.append(f"slices: only of canary and shadow, not of {strategy}")
    faults += plan.replay.faults() if plan.replay is not None else []
    faults += _arm_faults(plan, strategy, candidates)
    if faults:
        raise InvalidInputError(*faults)


def _arm_faults(plan: ReleasePlan, strategy: Strategy, candidates: int) -> list[str]:
    """What is wrong with a plan that compares arms, or with one that does not and has what only those have."""
    if strategy not in ARMED:
        names = ("reward", "missing_reward", "covariate", "segments")
        given = [name for name in names if getattr(plan, name) not in (None, ())]
        faults = [f"{name}: only of ab_test and bandit, not of {strategy}" for name in given]
        return faults + ([f"{strategy} takes one candidate, not {candidates}"] if candidates > 1 else [])
    rules = {
        f"reward: a {strategy} needs the name of one": strategy == "ab_test" or plan.reward is not None,
        f"covariate, segments: only of an ab_test, not of a {strategy}": (
            strategy == "ab_test" or not plan.compared_inputs
        ),
        f"segments: {len(plan.segments)} columns, at most {_MOST_SEGMENTS} can be looked at": (
            len(plan.segments) <= _MOST_SEGMENTS
        ),
        f"guard_rewards: only of an ab_test, not of a {strategy}": strategy == "ab_test" or not plan.guard_rewards,
        "guard_rewards: the reward itself is decided on, and cannot guard too": plan.reward not in plan.guard_rewards,
        "missing_reward: needs reward_hours over 0, the age from which a row without reward counts": (
            plan.missing_reward is None or plan.reward_hours > 0
        ),
        f"epsilon == {plan.epsilon:g}, must be at most 1": plan.epsilon <= 1,
        f"floor == {plan.floor:g}, must be at most {1 / (candidates + 1):.3g} with {candidates + 1} arms": (
            plan.floor * (candidates + 1) <= 1
        ),
    }
    return [rule for rule, kept in rules.items() if not kept]


def _step_faults(steps: tuple[float, ...], strategy: Strategy) -> list[str]:
    if strategy == "shadow":
        return [] if steps == STRATEGIES["shadow"].plan.steps else ["steps: a shadow gets no traffic; leave them out"]
    if strategy == "bandit":
        return ["steps: a bandit shares traffic out by itself; leave them out"] if steps else []
    if strategy == "ab_test":
        return _test_step_faults(steps)
    spelled = f"steps == {', '.join(f'{share:g}' for share in steps) or 'none'}"
    rules = {
        "must each be over 0 and at most 1": all(0 < share <= 1 for share in steps),
        "must rise strictly": all(before < after for before, after in pairwise(steps)),
        "must end with 1": bool(steps) and steps[-1] == 1,
        "must have at least one share under 1 first, or there is nothing to decide on": len(steps) > 1
        or strategy == "blue_green",
    }
    return [f"{spelled}: {rule}" for rule, kept in rules.items() if not kept]


def _test_step_faults(steps: tuple[float, ...]) -> list[str]:
    spelled = f"steps == {', '.join(f'{share:g}' for share in steps) or 'none'}"
    rules = {
        "must each be over 0 and under 1, or nobody is left to compare with": all(0 < share < 1 for share in steps),
        "must rise strictly": all(before < after for before, after in pairwise(steps)),
    }
    return [f"{spelled}: {rule}" for rule, kept in rules.items() if not kept]
