"""Counts requests for the gates of releases: units, failed units and latencies, by step, version assigned, propensity.

Called by the collector. A unit counts once in a step, however many requests it sends; a request without a key is its
own unit. Rows never count: the rows of one request fail together. Of failed units it is also kept which failed for the
first time in the release: one that always fails stays on its side as shares rise, and is one failure, not one a step.
"""

from collections.abc import Iterable, Sequence
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

    def add(self, units: Sequence[str | None], latencies_us: Sequence[int], *, failed: bool) -> None:
        """Count requests that all failed or all did not."""
        if not any(units):
            self._add_alone(latencies_us, failed=failed)
            return
        for unit, latency_us in zip(units, latencies_us, strict=True):
            if unit is None:
                self._add_alone((latency_us,), failed=failed)
                continue
            self.keyed.setdefault(unit, latency_us)
            if failed:
                self.keyed_failed.add(unit)

    def _add_alone(self, latencies_us: Sequence[int], *, failed: bool) -> None:
        self.alone += len(latencies_us)
        self.alone_failed += len(latencies_us) if failed else 0
        self.latencies.extend(latencies_us)


class GateCounting:
    """Counts of a batch of records, to be added to the store in the transaction of the spool's cursor."""

    def __init__(self, requests: Iterable[PredictionRecord | FailureRecord]) -> None:
        self._sides: dict[tuple[str, int, bool, str, float], _Side] = {}
        for request in requests:
            a = request.assignment
            pinned = isinstance(request, PredictionRecord) and request.role == "pinned"
            if a.release_id is None or a.step is None or pinned:
                continue
            key = (a.release_id, a.step, a.is_challenger, a.assigned_version, a.propensity)
            side = self._sides.setdefault(key, _Side())
            if isinstance(request, PredictionRecord):
                side.add(request.units, request.latencies_us, failed=a.attempt_status != "ok")
            else:
                side.add((request.unit,), (request.latency_us,), failed=True)

    def add_to(self, tx: Transaction) -> None:
        """Add the counts, of keyed units only those that the step has not met before."""
        for key, side in self._sides.items():
            # A unit has one place in a step: whichever of several challengers has it, no other one meets it.
            new = tx.gate_counts.first_met(*key[:3], side.keyed)
            failed = tx.gate_counts.new_failed_units(*key[:3], side.keyed_failed)
            first = tx.gate_counts.first_failed_units(key[0], side.keyed_failed)
            latencies = side.latencies + [side.keyed[unit] for unit in new]
            tx.gate_counts.add(
                StepDelta(
                    release_id=key[0],
                    step=key[1],
                    is_challenger=key[2],
                    units=side.alone + len(new),
                    failed_units=side.alone_failed + failed,
                    latency=np.bincount(log_histogram.indices(latencies), minlength=log_histogram.SIZE),
                    version=key[3],
                    propensity=key[4],
                    first_failed_units=side.alone_failed + first,
                )
            )
