"""The rules of a release plan. Called once, when a release starts; all faults are named at once."""

from itertools import pairwise

from interlock.domain.errors import InvalidInputError
from interlock.domain.release import ReleasePlan

_SHARES = ("alpha", "latency_quantile", "max_failure_rate", "guard_max_failure_rate")
_AT_LEAST = {
    "min_units": 1,
    "min_labels": 1,
    "quality_margin": 0,
    "quality_harm": 0,
    "latency_ratio": 1,
    "latency_floor_ms": 0,
}


def check(plan: ReleasePlan) -> None:
    """Refuse a plan that breaks a rule.

    Raises:
        InvalidInputError: With every fault.

    Examples:
        >>> check(ReleasePlan(steps=(0.5, 0.2), alpha=2))
        Traceback (most recent call last):
        interlock.domain.errors.InvalidInputError: steps == 0.5, 0.2: must rise strictly; ... alpha == 2, ...
    """
    faults = _step_faults(plan.steps)
    for name in _SHARES:
        if not 0 < getattr(plan, name) < 1:
            faults.append(f"{name} == {getattr(plan, name):g}, must be between 0 and 1, both excluded")
    for name, least in _AT_LEAST.items():
        if not least <= getattr(plan, name) < float("inf"):
            faults.append(f"{name} == {getattr(plan, name):g}, must be a number of at least {least}")
    if faults:
        raise InvalidInputError(*faults)


def _step_faults(steps: tuple[float, ...]) -> list[str]:
    spelled = f"steps == {', '.join(f'{share:g}' for share in steps) or 'none'}"
    rules = {
        "must each be over 0 and at most 1": all(0 < share <= 1 for share in steps),
        "must rise strictly": all(before < after for before, after in pairwise(steps)),
        "must end with 1": bool(steps) and steps[-1] == 1,
        "must have at least one share under 1 first, or there is nothing to decide on": len(steps) > 1,
    }
    return [f"{spelled}: {rule}" for rule, kept in rules.items() if not kept]
