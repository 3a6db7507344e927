from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from interlock.domain.release import Gate, GateOutcome, ReleasePlan
from interlock.releases.canary import decide
from interlock.releases.evidence import GATES, Evidence

Make = Callable[..., Evidence]


def gate(kind: str, outcome: GateOutcome = "ok", non_inferior: bool = True) -> Gate:
    return Gate(
        metric=kind, outcome=outcome, scale="ratio", estimate=1.0, lower=0.5, upper=1.2, margin=1.5,
        counts={"champion": 1, "challenger": 1}, reason=f"<{kind} {outcome}>", alpha=0.0125, non_inferior=non_inferior,
    )  # fmt: skip


def gates(**outcomes: GateOutcome) -> dict[str, Gate]:
    """All gates, fine unless said otherwise; only `ok` is non-inferior."""
    return {kind: gate(kind, outcomes.get(kind, "ok"), outcomes.get(kind, "ok") == "ok") for kind in GATES}


def all_but(kind: str, outcome: GateOutcome) -> dict[str, Gate]:
    """All gates fine but one."""
    return {**gates(), kind: gate(kind, outcome, non_inferior=False)}


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("step", [0, 1])
def test_harm_by_any_gate_rolls_back_at_any_step(evidence: Make, kind: str, step: int) -> None:
    outcomes: dict[str, GateOutcome] = {other: "not_enough_data" for other in GATES}
    outcomes[kind] = "breach"
    decision = decide(evidence(step=step), gates(**outcomes))
    assert decision.outcome == "roll_back"
    assert decision.reason == (
        f"rolled back: <{kind} breach>, with 95 % confidence at any time, after 0 challenger requests"
    )


def test_an_early_step_advances_when_no_harm_is_seen(evidence: Make) -> None:
    found = {kind: msgspec.structs.replace(one, non_inferior=False) for kind, one in gates().items()}
    decision = decide(evidence(step=0), found)
    assert (decision.outcome, decision.reason[:15]) == ("advance", "advanced to 50 ")


@pytest.mark.parametrize("kind", ["latency", "scoring_errors"])
def test_early_steps_do_not_wait_for_latency_or_scoring(evidence: Make, kind: str) -> None:
    assert decide(evidence(step=0), all_but(kind, "not_enough_data")).outcome == "advance"


@pytest.mark.parametrize("kind", ["errors", "quality"])
@pytest.mark.parametrize("step", [0, 1])
def test_not_enough_data_never_decides(evidence: Make, kind: str, step: int) -> None:
    decision = decide(evidence(step=step), all_but(kind, "not_enough_data"))
    assert (decision.outcome, decision.reason) == ("wait", f"waiting: <{kind} not_enough_data>")


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("step", [0, 1])
def test_a_broken_gate_waits(evidence: Make, kind: str, step: int) -> None:
    assert decide(evidence(step=step), all_but(kind, "error")).outcome == "wait"


@pytest.mark.parametrize("kind", ["errors", "latency", "quality"])
def test_the_last_gated_step_waits_for_each_to_be_surely_not_worse(evidence: Make, kind: str) -> None:
    found = {**gates(), kind: gate(kind, "ok", non_inferior=False)}
    assert decide(evidence(step=1), found).outcome == "wait"


def test_surely_not_worse_in_all_promotes_and_says_why(evidence: Make) -> None:
    decision = decide(evidence(step=1), gates())
    assert decision.outcome == "promote"
    assert decision.reason == ("promoted: <quality ok>; <errors ok>; <latency ok>; with 95 % confidence at any time")


def test_without_labels_scoring_errors_stand_in_and_it_is_said(evidence: Make) -> None:
    found = gates(quality="not_enough_data")
    decision = decide(evidence(step=1, has_labels=False), found)
    assert decision.outcome == "promote"
    assert "<scoring_errors ok>" in decision.reason
    assert "quality was not decided: no labels have arrived" in decision.reason
    found["scoring_errors"] = gate("scoring_errors", "not_enough_data", non_inferior=False)
    assert decide(evidence(step=1, has_labels=False), found).outcome == "wait"


@pytest.mark.parametrize(
    ("require", "has_labels", "expected"),
    [("auto", True, "wait"), ("auto", False, "promote"), ("yes", False, "wait"), ("no", True, "promote")],
)
def test_quality_is_asked_for_as_the_plan_says(evidence: Make, require: Any, has_labels: bool, expected: str) -> None:
    plan = ReleasePlan(steps=(0.1, 0.5, 1.0), require_labels=require)
    made = evidence(step=1, has_labels=has_labels, plan=plan)
    assert decide(made, gates(quality="not_enough_data")).outcome == expected


def test_a_task_without_loss_waits_only_where_quality_is_asked_for(evidence: Make) -> None:
    assert decide(evidence(step=1), gates(quality="not_comparable")).outcome == "wait"
