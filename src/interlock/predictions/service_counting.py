"""Counts requests for service monitoring: how many, how many failed, how long they took, by hour of the event.

Called by the collector. Counts are as assigned: a request that the champion answered for a failing challenger is a
failure of the challenger, and its latency is what that caller waited. A request with no answer has no rows.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from interlock.predictions.log_schema import EARLIEST_US, LATEST_US
from interlock.predictions.records import FailureRecord, PredictionRecord
from interlock.stats import log_histogram
from interlock.store.service_hours import ServiceDelta

HOUR_US = 3_600_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class _Hour:
    failures: int = 0
    rows: int = 0
    latencies: list[int] = field(default_factory=list)

    def add(self, latencies_us: Sequence[int], *, failures: int, rows: int) -> None:
        self.latencies.extend(latencies_us)
        self.failures += failures
        self.rows += rows


def hour_at(hour: int) -> datetime:
    """The time at which the hour with this number since 1970 begins.

    Examples:
        >>> hour_at(24).isoformat()
        '1970-01-02T00:00:00+00:00'
    """
    return _EPOCH + timedelta(hours=hour)


def count(records: Iterable[PredictionRecord | FailureRecord]) -> list[ServiceDelta]:
    """Count the requests of a batch of records. The hour of a request is that of its first row."""
    hours: dict[tuple[str, str, int], _Hour] = defaultdict(_Hour)
    for record in records:
        version = record.assignment.assigned_version
        if isinstance(record, FailureRecord):
            hours[record.endpoint, version, record.at_us // HOUR_US].add([record.latency_us], failures=1, rows=0)
        elif record.event_at_us is None:
            failures = len(record.latencies_us) if record.assignment.attempt_status != "ok" else 0
            hours[record.endpoint, version, record.at_us // HOUR_US].add(
                record.latencies_us, failures=failures, rows=len(record.prediction_ids)
            )
        else:
            _add_one_by_one(hours, record, record.event_at_us)
    return [
        ServiceDelta(
            endpoint=endpoint,
            version=version,
            hour=hour_at(hour),
            requests=len(found.latencies),
            failures=found.failures,
            rows=found.rows,
            latency=np.bincount(log_histogram.indices(found.latencies), minlength=log_histogram.SIZE),
        )
        for (endpoint, version, hour), found in hours.items()
    ]


def _add_one_by_one(
    hours: dict[tuple[str, str, int], _Hour], record: PredictionRecord, event_at_us: Sequence[int]
) -> None:
    failed = record.assignment.attempt_status != "ok"
    counts = record.rows or [1] * len(record.latencies_us)
    for first, count, latency_us in zip(record.firsts, counts, record.latencies_us, strict=True):
        at_us = event_at_us[first]
        if not EARLIEST_US <= at_us <= LATEST_US:
            at_us = record.at_us
        hour = hours[record.endpoint, record.assignment.assigned_version, at_us // HOUR_US]
        hour.add([latency_us], failures=int(failed), rows=count)
