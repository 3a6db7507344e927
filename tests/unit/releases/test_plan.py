from typing import Any

import pytest

from interlock.domain.errors import InvalidInputError
from interlock.domain.release import ReleasePlan, Strategy
from interlock.releases.plan import check, of
from interlock.releases.strategies import STRATEGIES


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_defaults_are_fine(strategy: Strategy) -> None:
    check(STRATEGIES[strategy].plan, strategy)


def test_what_is_given_changes_the_plan_of_the_strategy() -> None:
    assert of("shadow", {"min_labels": 5})[1] == ReleasePlan(steps=(0.0, 1.0), require_approval=True, min_labels=5)
    assert of("blue_green", {"steps": [0.1, 1]})[1] == ReleasePlan(steps=(0.1, 1.0))
    with pytest.raises(InvalidInputError, match="strategy == 'green', must be one of shadow, canary, blue_green"):
        of("green", {})
    with pytest.raises(InvalidInputError, match="plan has no 'step'; it has: steps"):
        of("canary", {"step": 1})
    with pytest.raises(InvalidInputError, match=r"plan: .*alpha"):
        of("canary", {"alpha": "much"})


def test_a_shadow_has_no_steps_and_a_switch_may_be_at_once() -> None:
    with pytest.raises(InvalidInputError, match="a shadow gets no traffic"):
        check(ReleasePlan(steps=(0.1, 1.0)), "shadow")
    with pytest.raises(InvalidInputError, match="must end with 1"):
        check(ReleasePlan(steps=(0.1, 0.5)), "blue_green")


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"steps": (0.5, 0.2, 1.0)}, ["must rise strictly"]),
        ({"steps": (0.5, 0.5, 1.0)}, ["must rise strictly"]),
        ({"steps": (0.0, 1.0)}, ["must each be over 0"]),
        ({"steps": (0.1, 0.5)}, ["must end with 1"]),
        ({"steps": (1.0,)}, ["at least one share under 1"]),
        ({"steps": (float("nan"), 1.0)}, ["must each be over 0", "must rise strictly"]),
        ({"steps": (), "alpha": 1.0}, ["must end with 1", "at least one share", "alpha == 1"]),
        ({"min_units": 0, "latency_ratio": 0.5}, ["min_units == 0", "latency_ratio == 0.5"]),
        ({"quality_margin": float("nan")}, ["quality_margin == nan"]),
        ({"hold_seconds": -1.0, "step_hours": -1.0}, ["hold_seconds == -1", "step_hours == -1"]),
        ({"hold_seconds": 1e300, "step_hours": 1e300}, ["hold_seconds == 1e+300", "step_hours == 1e+300"]),
    ],
)
def test_all_faults_are_named_at_once(changes: dict[str, Any], faults: list[str]) -> None:
    with pytest.raises(InvalidInputError) as refused:
        check(ReleasePlan(**changes))
    assert len(refused.value.faults) == len(faults)
    for said, expected in zip(refused.value.faults, faults, strict=True):
        assert expected in said
