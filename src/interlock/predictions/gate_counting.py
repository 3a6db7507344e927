"""Counts requests for the gates of releases: units, failed units and latencies, by step and by the version assigned.

Called by the collector. A unit counts once in a step, however many requests it sends; a request without a key is its
own unit. Rows never count: the rows of one request fail together.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from interlock.domain.evidence import StepDelta
from interlock.predictions.records import FailureRecord, PredictionRecord
from interlock.stats import log_histogram
from interlock.store.transaction import Transaction


@dataclass(slots=True)
class _Side:
    """One version in one step. Of a keyed unit, the latency of its first request counts."""

    alone: int = 0
    alone_failed: int = 0
    latencies: list[int] = field(default_factory=list)
    keyed: dict[str, int] = field(default_factory=dict)
    keyed_failed: set[str] = field(default_factory=set)

    def add(self, request: PredictionRecord | FailureRecord) -> None:
        assignment = request.assignment
        failed = assignment.attempt_status != "ok" or isinstance(request, FailureRecord)
        if assignment.keyed:
            self.keyed.setdefault(assignment.unit, request.latency_us)
            if failed:
                self.keyed_failed.add(assignment.unit)
        else:
            self.alone += 1
            self.alone_failed += failed
            self.latencies.append(request.latency_us)


class GateCounting:
    """Counts of a batch of requests, to be added to the store in the transaction of the spool's cursor."""

    def __init__(self, requests: Iterable[PredictionRecord | FailureRecord]) -> None:
        self._sides: dict[tuple[str, int, bool], _Side] = {}
        for request in requests:
            a = request.assignment
            pinned = isinstance(request, PredictionRecord) and request.role == "pinned"
            if a.release_id is not None and a.step is not None and not pinned:
                self._sides.setdefault((a.release_id, a.step, a.is_challenger), _Side()).add(request)

    def add_to(self, tx: Transaction) -> None:
        """Add the counts, of keyed units only those that the step has not met before."""
        for key, side in self._sides.items():
            new = tx.gate_counts.first_met(*key, side.keyed)
            failed = tx.gate_counts.new_failed_units(*key, side.keyed_failed)
            latencies = side.latencies + [side.keyed[unit] for unit in new]
            tx.gate_counts.add(
                StepDelta(
                    release_id=key[0],
                    step=key[1],
                    is_challenger=key[2],
                    units=side.alone + len(new),
                    failed_units=side.alone_failed + failed,
                    latency=np.bincount(log_histogram.indices(latencies), minlength=log_histogram.SIZE),
                )
            )
