"""What is known about a release at one look: counts from the store, paired rows from the log.

Gathered by the controller, judged by the gates. It refuses to interpret: "no labels yet" is a fact here, and a gate's
business there.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import pyarrow as pa

from interlock.domain.contract import Contract
from interlock.domain.evidence import StepCounts
from interlock.domain.release import Release, ReleasePlan
from interlock.store.transaction import Transaction

GATES = ("errors", "scoring_errors", "latency", "quality")
"""All gates, by the kind that starts the name of their metric."""


class EvidenceReader(Protocol):
    """What releases need of the prediction log. `predictions.reader.LogReader` is the one there is."""

    def evidence_version(self, endpoint: str) -> tuple[Any, ...]:
        """Changes when any table that `paired` or `has_labels` looks at has changed, and is cheap to ask."""

    def has_labels(self, endpoint: str) -> bool:
        """Whether a label ever arrived on the endpoint."""

    def paired(self, endpoint: str, release_id: str) -> pa.Table:
        """Rows of the release that both versions scored, with the label where there is one."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything the gates look at.

    Args:
        at: When.
        counts: Units, failed units and latencies by step and version assigned.
        contract: The champion's.
        has_labels: Whether a label ever arrived on the endpoint.
        rows: Rows that both versions scored; columns as `LogReader.paired` gives them.
        log_fault: Why the log could not be read, if it could not.
        unscorable: Why rows cannot be scored by the version that did not answer them; empty if they can.
        unlogged: Why the log does not have the answers; empty if it does.
        asked: The gates of the release's strategy.
    """

    release: Release
    at: datetime
    counts: tuple[StepCounts, ...]
    contract: Contract
    has_labels: bool
    rows: pa.Table = field(repr=False)
    log_fault: Exception | None = None
    unscorable: str = ""
    unlogged: str = ""
    asked: tuple[str, ...] = GATES

    @property
    def paired(self) -> pa.Table:
        """The rows that both versions scored. Raises what reading the log raised: gates that need it break then."""
        if self.log_fault is not None:
            raise self.log_fault
        return self.rows

    @property
    def plan(self) -> ReleasePlan:
        return self.release.plan

    @property
    def alpha(self) -> float:
        """Each gate's share of the probability that a candidate no worse is rolled back."""
        return self.plan.alpha / len(self.asked)

    @property
    def gated_steps(self) -> int:
        """Steps before promotion."""
        return self.release.last_step + 1

    def step(self, number: int, is_challenger: bool) -> StepCounts:
        """Counts of one step and side, zeros where there are none."""
        for counts in self.counts:
            if (counts.step, counts.is_challenger) == (number, is_challenger):
                return counts
        return StepCounts(release_id=self.release.id, step=number, is_challenger=is_challenger, units=0, failed_units=0)

    def units(self, is_challenger: bool) -> int:
        """Units of one side over all steps."""
        return sum(counts.units for counts in self.counts if counts.is_challenger == is_challenger)

    def failed_units(self, is_challenger: bool) -> int:
        """Failed units of one side over all steps."""
        return sum(counts.failed_units for counts in self.counts if counts.is_challenger == is_challenger)


def counts_of(tx: Transaction, release: Release) -> tuple[StepCounts, ...]:
    """Counts of the steps of a release before its promotion."""
    return tuple(counts for counts in tx.gate_counts.list(release.id) if counts.step <= release.last_step)
