"""The shadow strategy: the candidate answers nobody, and scores every row that the champion answered.

Both versions meet the same rows, read from the log, so no caller waits and none is harmed. What only live traffic can
tell, as what a caller waits, stays unknown, and the decision says so.
"""

from collections.abc import Mapping

from interlock.domain.release import Gate
from interlock.releases.deciding import ReleaseDecision, broken, confidence, harm, waiting
from interlock.releases.evidence import Evidence
from interlock.releases.wording import count

GATES = ("scoring_errors", "quality")


def decide(evidence: Evidence, gates: Mapping[str, Gate]) -> ReleaseDecision:
    """Decide on a shadow that has begun. See `deciding.Decide`.

    Without labels it is never promoted: it would be for nothing but not failing. Unless the plan asks for none.
    """
    scored = gates["scoring_errors"].counts["challenger"]
    harmful = harm(evidence, gates, f"{count(scored)} requests that it scored")
    if harmful is not None:
        return harmful
    asked = ["scoring_errors"] if evidence.plan.require_labels == "no" else ["quality", "scoring_errors"]
    unsure = broken(gates) or [gates[kind].reason for kind in asked if not gates[kind].non_inferior]
    if unsure:
        return waiting(unsure)
    reasons = [gates[kind].reason for kind in asked] + ["no caller has met it, so latency was not compared"]
    return ReleaseDecision("promote", f"promoted: {'; '.join(reasons)}; {confidence(evidence)}")
