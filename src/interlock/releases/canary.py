"""The canary strategy: what the gates together mean for the next move.

Harm by any gate rolls back, at any time. Early steps ask for enough evidence and no harm seen; the last gated step asks
that the candidate is surely not worse. "Not enough data" and a broken gate never decide anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from interlock.domain.release import Gate, Verb
from interlock.releases.evidence import Evidence
from interlock.releases.wording import count, percent


@dataclass(frozen=True, slots=True)
class ReleaseDecision:
    """What to do, and the sentence a person reads."""

    outcome: Verb
    reason: str


def decide(evidence: Evidence, gates: Mapping[str, Gate]) -> ReleaseDecision:
    """Decide on a running release.

    Args:
        evidence: What was looked at.
        gates: What each gate said of it, by the names in `evidence.GATES`.
    """
    breaches = [gate.reason for gate in gates.values() if gate.outcome == "breach"]
    if breaches:
        after = f"after {count(evidence.units(True))} challenger requests"
        return ReleaseDecision("roll_back", f"rolled back: {'; '.join(breaches)}, {_confidence(evidence)}, {after}")
    waits = _missing(evidence, gates)
    if waits:
        return ReleaseDecision("wait", f"waiting: {'; '.join(waits)}")
    step = evidence.release.step
    if step + 1 < evidence.gated_steps:
        share = percent(evidence.plan.steps[step + 1])
        return ReleaseDecision("advance", f"advanced to {share}, no harm seen: {_sentence(gates)}")
    return _at_last_step(evidence, gates)


def _at_last_step(evidence: Evidence, gates: Mapping[str, Gate]) -> ReleaseDecision:
    asked = ["quality" if _needs_quality(evidence) else "scoring_errors", "errors", "latency"]
    unsure = [gates[kind].reason for kind in asked if not gates[kind].non_inferior]
    if unsure:
        return ReleaseDecision("wait", f"waiting: {'; '.join(unsure)}")
    reasons = [gates[kind].reason for kind in asked]
    if not _needs_quality(evidence):
        reasons.append(_undecided_quality(evidence))
    return ReleaseDecision("promote", f"promoted: {'; '.join(reasons)}; {_confidence(evidence)}")


def _missing(evidence: Evidence, gates: Mapping[str, Gate]) -> list[str]:
    """What any step needs before it may be left."""
    missing = [gate.reason for gate in gates.values() if gate.outcome == "error"]
    if gates["errors"].outcome == "not_enough_data":
        missing.append(gates["errors"].reason)
    if _needs_quality(evidence) and gates["quality"].outcome in ("not_enough_data", "not_comparable"):
        missing.append(gates["quality"].reason)
    return missing


def _needs_quality(evidence: Evidence) -> bool:
    asked = evidence.plan.require_labels
    return asked == "yes" or (asked == "auto" and evidence.has_labels)


def _undecided_quality(evidence: Evidence) -> str:
    why = "the plan does not ask for labels" if evidence.plan.require_labels == "no" else "no labels have arrived"
    return f"quality was not decided: {why}"


def _confidence(evidence: Evidence) -> str:
    return f"with {percent(1 - evidence.plan.alpha)} confidence at any time"


def _sentence(gates: Mapping[str, Gate]) -> str:
    return "; ".join(gate.reason for gate in gates.values() if gate.outcome == "ok")
