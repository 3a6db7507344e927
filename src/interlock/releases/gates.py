"""All gates at one look. A gate that breaks is an outcome of its own, never good news, and does not stop the others."""

import logging
from collections.abc import Callable, Mapping

from interlock.domain.release import Gate, GateOutcome
from interlock.releases import errors, latency, quality, scoring_errors
from interlock.releases.evidence import GATES, Evidence

_log = logging.getLogger(__name__)

_GATES: dict[str, Callable[[Evidence], Gate]] = dict(
    zip(GATES, (errors.gate, scoring_errors.gate, latency.gate, quality.gate), strict=True)
)


def judge(evidence: Evidence) -> dict[str, Gate]:
    """Ask every gate of the release's strategy.

    Returns:
        What each says, by the names in `evidence.GATES`.
    """
    return {kind: _ask(kind, _GATES[kind], evidence) for kind in evidence.asked}


def by_kind(gates: tuple[Gate, ...]) -> Mapping[str, Gate]:
    """Stored gates by the names in `evidence.GATES`."""
    return {gate.metric.partition(".")[0]: gate for gate in gates}


def _ask(kind: str, gate: Callable[[Evidence], Gate], evidence: Evidence) -> Gate:
    needs = {"scoring_errors": evidence.unscorable, "quality": evidence.unscorable or evidence.unlogged}
    if needs.get(kind):
        return _without(kind, evidence, "not_comparable", f"{kind} cannot be compared: {needs[kind]}")
    try:
        return gate(evidence)
    except Exception as fault:
        _log.exception("gate %s of release %s broke", kind, evidence.release.id)
        return _without(kind, evidence, "error", f"the {kind} gate broke: {type(fault).__name__}: {fault}")


def _without(kind: str, evidence: Evidence, outcome: GateOutcome, reason: str) -> Gate:
    return Gate(
        metric=kind,
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
