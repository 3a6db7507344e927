"""What is known about a release at one look: counts from the store, paired rows from the log.

Gathered by the controller, judged by the gates. It refuses to interpret: "no labels yet" is a fact here, and a gate's
business there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

import pyarrow as pa

from interlock.domain.contract import Contract
from interlock.domain.evidence import StepCounts
from interlock.domain.release import Release, ReleasePlan
from interlock.store.transaction import Transaction

GATES = ("errors", "scoring_errors", "latency", "quality")
"""Gates on one candidate, by the kind that starts the name of their metric."""

SAMPLE_RATIO = "sample_ratio"
"""The gate on a test itself. It has its own level (`ReleasePlan.sample_ratio_alpha`)."""


class EvidenceReader(Protocol):
    """What releases need of the prediction log. `predictions.reader.LogReader` is the one there is."""

    def evidence_version(self, endpoint: str) -> tuple[Any, ...]:
        """Changes when any table that `paired` or `has_labels` looks at has changed, and is cheap to ask."""

    def has_labels(self, endpoint: str) -> bool:
        """Whether a label ever arrived on the endpoint."""

    def paired(self, endpoint: str, release_id: str, slices: Sequence[str] = ()) -> pa.Table:
        """Rows of the release that both versions scored, with the label where there is one.

        With `slices`, also `slice.<input>` of these inputs, where the log has them.
        """

    def assigned(
        self, endpoint: str, release_id: str, rewards: Sequence[str], *, answers: bool, inputs: Sequence[str] = ()
    ) -> pa.Table:
        """Rows of the release as they were assigned, with rewards and inputs; with `answers` also those, and labels."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything the gates look at.

    Args:
        at: When.
        counts: Units, failed units and latencies by step and version assigned.
        contract: The champion's.
        has_labels: Whether a label ever arrived on the endpoint.
        rows: Rows that both versions scored; columns as `LogReader.paired` gives them. Where arms are compared, rows as
            they were assigned, as `LogReader.assigned` gives them.
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
        """The rows. Raises what reading the log raised: gates that need it break then."""
        if self.log_fault is not None:
            raise self.log_fault
        return self.rows

    @property
    def plan(self) -> ReleasePlan:
        return self.release.plan

    @property
    def alpha(self) -> float:
        """Each gate's share of the probability that a candidate no worse is rolled back, also of several candidates."""
        spending = sum(kind != SAMPLE_RATIO for kind in self.asked)
        return self.plan.alpha / (max(1, spending) * len(self.release.candidates))

    @property
    def gated_steps(self) -> int:
        """Steps before promotion; of an A/B test the most there can be."""
        if self.release.compares_arms:
            return max(1, len(self.plan.steps)) + len(self.release.others)
        return self.release.last_step + 1

    def of(self, version: str) -> "Evidence":
        """The same with the counts of one candidate beside the champion's.

        What the champion got while a gateway had withdrawn a candidate is left out: its propensity was another.
        """
        least = {
            each.step: min(one.propensity for one in self.counts if not one.is_challenger and one.step == each.step)
            for each in self.counts
            if not each.is_challenger
        }
        kept = tuple(
            each
            for each in self.counts
            if each.version == version or (not each.is_challenger and each.propensity <= least[each.step] + 1e-9)
        )
        return replace(self, counts=kept)

    def step(self, number: int, is_challenger: bool) -> StepCounts:
        """Counts of one step and side, zeros where there are none."""
        found = [each for each in self.counts if (each.step, each.is_challenger) == (number, is_challenger)]
        timed = [each.latency_counts for each in found if each.latency_counts]
        return StepCounts(
            release_id=self.release.id,
            step=number,
            is_challenger=is_challenger,
            units=sum(each.units for each in found),
            failed_units=sum(each.failed_units for each in found),
            first_failed_units=sum(each.new_failures for each in found),
            latency_counts=tuple(map(sum, zip(*timed, strict=True))),
        )

    def units(self, is_challenger: bool) -> int:
        """Units of one side over all steps."""
        return sum(counts.units for counts in self.counts if counts.is_challenger == is_challenger)

    def failed_units(self, is_challenger: bool) -> int:
        """Failed units of one side over all steps."""
        return sum(counts.failed_units for counts in self.counts if counts.is_challenger == is_challenger)


def counts_of(tx: Transaction, release: Release) -> tuple[StepCounts, ...]:
    """Counts of the steps of a release before its promotion, and of those after it while that is watched."""
    upto = release.last_step if release.watch is None else release.watch.step
    return tuple(counts for counts in tx.gate_counts.list(release.id) if counts.step <= upto)
