"""What a strategy is, and what those that wait for evidence share: harm, missing evidence, and their sentences.

A strategy is a file with `GATES`, the gates it asks, and `decide`. It decides by evidence alone: pauses, approvals and
gateways that have not caught up are the controller's business.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from interlock.domain.release import Gate, Verb
from interlock.releases.evidence import Evidence
from interlock.releases.wording import count, percent


@dataclass(frozen=True, slots=True)
class ReleaseDecision:
    """What to do, and the sentence a person reads.

    Args:
        version: The candidate that is meant, of several.
        shares: Of each candidate, where they are shared out anew.
    """

    outcome: Verb
    reason: str
    version: str | None = None
    shares: tuple[float, ...] = ()


class Decide(Protocol):
    """How a strategy decides."""

    def __call__(self, evidence: Evidence, gates: Mapping[str, Gate]) -> ReleaseDecision:
        """Decide on a release that has begun.

        Args:
            evidence: What was looked at.
            gates: What each gate of the strategy said of it, by name.
        """


def harm(evidence: Evidence, gates: Mapping[str, Gate], after: str) -> ReleaseDecision | None:
    """The end of a release that does harm by any gate, at any time."""
    breaches = [gate.reason for gate in gates.values() if gate.outcome == "breach"]
    if not breaches:
        return None
    return ReleaseDecision("roll_back", f"rolled back: {'; '.join(breaches)}, {confidence(evidence)}, after {after}")


def harmful_arm(evidence: Evidence, gates: Mapping[str, Gate]) -> ReleaseDecision | None:
    """The end of a candidate that does harm by any gate: withdrawn, or, if it is the last, the end of the release."""
    release = evidence.release
    for version in release.remaining:
        breaches = [gate for gate in gates.values() if gate.version == version and gate.outcome == "breach"]
        if not breaches:
            continue
        reasons = "; ".join(gate.reason for gate in breaches)
        units = max(gate.counts["champion"] + gate.counts["challenger"] for gate in breaches)
        why = f"{reasons}, {confidence(evidence)}, after {count(units)} units"
        if release.remaining == (version,):
            return ReleaseDecision("roll_back", f"rolled back: {release.champion} stays: {why}", version=version)
        return ReleaseDecision("drop", f"{version} was withdrawn: {why}", version=version)
    return None


def broken(gates: Mapping[str, Gate]) -> list[str]:
    """Gates that broke: never good news."""
    return [gate.reason for gate in gates.values() if gate.outcome == "error"]


def waiting(reasons: list[str]) -> ReleaseDecision:
    """Not yet, and why."""
    return ReleaseDecision("wait", f"waiting: {'; '.join(reasons)}")


def confidence(evidence: Evidence) -> str:
    """How sure a decision is."""
    return f"with {percent(1 - evidence.plan.alpha)} confidence at any time"
