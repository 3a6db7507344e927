"""What a strategy is, and what those that wait for evidence share: harm, missing evidence, and their sentences.

A strategy is a file with `GATES`, the gates it asks, and `decide`. It decides by evidence alone: pauses, approvals and
gateways that have not caught up are the controller's business.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from interlock.domain.release import Gate, Verb
from interlock.releases.evidence import Evidence
from interlock.releases.wording import percent


@dataclass(frozen=True, slots=True)
class ReleaseDecision:
    """What to do, and the sentence a person reads."""

    outcome: Verb
    reason: str


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


def broken(gates: Mapping[str, Gate]) -> list[str]:
    """Gates that broke: never good news."""
    return [gate.reason for gate in gates.values() if gate.outcome == "error"]


def waiting(reasons: list[str]) -> ReleaseDecision:
    """Not yet, and why."""
    return ReleaseDecision("wait", f"waiting: {'; '.join(reasons)}")


def confidence(evidence: Evidence) -> str:
    """How sure a decision is."""
    return f"with {percent(1 - evidence.plan.alpha)} confidence at any time"
