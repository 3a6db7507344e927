"""The canary strategy: what the gates together mean for the next move.

Harm by any gate rolls back, at any time. Early steps ask for enough evidence and no harm seen; the last gated step asks
that the candidate is surely not worse. "Not enough data" and a broken gate never decide anything.
"""

from collections.abc import Mapping

from interlock.domain.release import Gate
from interlock.releases.deciding import ReleaseDecision, broken, confidence, harm, waiting
from interlock.releases.evidence import GATES, Evidence
from interlock.releases.wording import count, percent

__all__ = ["GATES", "decide"]


def decide(evidence: Evidence, gates: Mapping[str, Gate]) -> ReleaseDecision:
    """Decide on a release that has begun. See `deciding.Decide`."""
    harmful = harm(evidence, gates, f"{count(evidence.units(True))} challenger requests")
    if harmful is not None:
        return harmful
    missing = _missing(evidence, gates)
    if missing:
        return waiting(missing)
    step = evidence.release.step
    if step + 1 < evidence.gated_steps:
        share = percent(evidence.plan.steps[step + 1])
        return ReleaseDecision("advance", f"advanced to {share}, no harm seen: {_sentence(gates)}")
    return _at_last_step(evidence, gates)


def _at_last_step(evidence: Evidence, gates: Mapping[str, Gate]) -> ReleaseDecision:
    asked = ["quality" if _needs_quality(evidence) else "scoring_errors", "errors", "latency"]
    unsure = [gates[kind].reason for kind in asked if not gates[kind].non_inferior]
    if unsure:
        return waiting(unsure)
    reasons = [gates[kind].reason for kind in asked]
    if not _needs_quality(evidence):
        reasons.append(_undecided_quality(evidence))
    return ReleaseDecision("promote", f"promoted: {'; '.join(reasons)}; {confidence(evidence)}")


def _missing(evidence: Evidence, gates: Mapping[str, Gate]) -> list[str]:
    """What any step needs before it may be left."""
    missing = broken(gates)
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


def _sentence(gates: Mapping[str, Gate]) -> str:
    return "; ".join(gate.reason for gate in gates.values() if gate.outcome == "ok")
