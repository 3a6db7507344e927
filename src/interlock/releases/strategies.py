"""The strategies by name: which gates each asks, how it decides, and the plan it has where nothing is said."""

from collections.abc import Mapping
from dataclasses import dataclass

from interlock.domain.release import Release, ReleasePlan, Strategy
from interlock.releases import ab_test, bandit, blue_green, canary, shadow, slice_quality, watch
from interlock.releases.deciding import Decide


@dataclass(frozen=True, slots=True)
class StrategyRules:
    """One strategy.

    Args:
        gates: Names of the gates it asks, as in `evidence.GATES`.
        decide: How it decides by what they say.
        plan: What a release has where nothing is said.
    """

    gates: tuple[str, ...]
    decide: Decide
    plan: ReleasePlan


STRATEGIES: Mapping[Strategy, StrategyRules] = {
    "shadow": StrategyRules(shadow.GATES, shadow.decide, ReleasePlan(steps=(0.0, 1.0), require_approval=True)),
    "canary": StrategyRules(canary.GATES, canary.decide, ReleasePlan()),
    "blue_green": StrategyRules(blue_green.GATES, blue_green.decide, ReleasePlan(steps=(1.0,))),
    "ab_test": StrategyRules(ab_test.GATES, ab_test.decide, ReleasePlan(steps=())),
    "bandit": StrategyRules(bandit.GATES, bandit.decide, ReleasePlan(steps=(), reward="reward")),
}
"""Every strategy there is."""


def gates_of(release: Release) -> tuple[str, ...]:
    """The gates that a release asks: its strategy's, and those that its plan adds; after its promotion the watch's."""
    if release.is_watched:
        return watch.GATES
    added = [f"guardrail.{name}" for name in release.plan.guard_rewards]
    added += [f"{slice_quality.KIND}.{name}" for name in release.plan.slices]
    return STRATEGIES[release.strategy].gates + tuple(added)
