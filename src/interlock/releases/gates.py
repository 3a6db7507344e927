"""All gates at one look. A gate that breaks is an outcome of its own, never good news, and does not stop the others."""

import logging
from collections.abc import Callable, Mapping
from functools import partial

from interlock.domain.release import Gate, GateOutcome
from interlock.releases import errors, latency, quality, scoring_errors, slice_quality, watch
from interlock.releases.arm_look import ArmLook
from interlock.releases.evidence import GATES, Evidence

_log = logging.getLogger(__name__)

_GATES: dict[str, Callable[[Evidence], Gate]] = dict(
    zip(
        (*GATES, *watch.GATES),
        (errors.gate, scoring_errors.gate, latency.gate, quality.gate, watch.errors_gate, watch.quality_gate),
        strict=True,
    )
)


def judge(evidence: Evidence) -> dict[str, Gate]:
    """Ask every gate of the release's strategy.

    Returns:
        What each says, by the names in `evidence.GATES`; where arms are compared, by kind and candidate (`ArmLook`).
    """
    if evidence.release.compares_arms and not evidence.release.is_watched:
        return {name: _ask(name, ask, evidence) for name, ask in ArmLook(evidence).asks().items()}
    return {name: _ask(name, _gate_of(name, evidence), evidence) for name in evidence.asked}


def _gate_of(name: str, evidence: Evidence) -> Callable[[], Gate]:
    kind, _, column = name.partition(".")
    return (
        partial(slice_quality.gate, evidence, column) if kind == slice_quality.KIND else partial(_GATES[kind], evidence)
    )


def by_kind(gates: tuple[Gate, ...]) -> Mapping[str, Gate]:
    """Stored gates by the names in `evidence.GATES`."""
    return {gate.metric.partition(".")[0]: gate for gate in gates}


def _ask(name: str, gate: Callable[[], Gate], evidence: Evidence) -> Gate:
    kind = name.partition(" ")[0]
    lacking = {
        "scoring_errors": evidence.unscorable,
        **dict.fromkeys(("quality", "quality_after", "slice"), evidence.unscorable or evidence.unlogged),
        **dict.fromkeys(("effect", "guardrail", "earned"), evidence.unlogged),
    }
    if why := lacking.get(kind.partition(".")[0]):
        return _without(name, evidence, "not_comparable", f"{kind} cannot be compared: {why}")
    try:
        return gate()
    except Exception as fault:
        _log.exception("gate %s of release %s broke", name, evidence.release.id)
        return _without(name, evidence, "error", f"the {kind} gate broke: {type(fault).__name__}: {fault}")


def _without(name: str, evidence: Evidence, outcome: GateOutcome, reason: str) -> Gate:
    kind, _, version = name.partition(" ")
    return Gate(
        metric=kind,
        version=version or None,
        outcome=outcome,
        scale="ratio",
        estimate=None,
        lower=None,
        upper=None,
        margin=None,
        counts={"champion": 0, "challenger": 0},
        reason=reason,
        alpha=evidence.alpha,
    )
