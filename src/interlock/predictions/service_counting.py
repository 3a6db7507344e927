"""Counts requests for service monitoring: how many, how many failed, how long they took, by hour of the event.

Called by the collector. Counts are as assigned: a request that the champion answered for a failing challenger is a
failure of the challenger, and its latency is what that caller waited. A request with no answer has no rows.
"""

from collections.abc import Iterable
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


def hour_at(hour: int) -> datetime:
    """The time at which the hour with this number since 1970 begins.

    Examples:
        >>> hour_at(24).isoformat()
        '1970-01-02T00:00:00+00:00'
    """
    return _EPOCH + timedelta(hours=hour)


def count(requests: Iterable[PredictionRecord | FailureRecord]) -> list[ServiceDelta]:
    """Count a batch of requests. The hour of a request is that of its first row."""
    hours: dict[tuple[str, str, int], _Hour] = {}
    for request in requests:
        version, at_us = request.assignment.assigned_version, _event_at_us(request)
        found = hours.setdefault((request.endpoint, version, at_us // HOUR_US), _Hour())
        if isinstance(request, PredictionRecord):
            found.rows += len(request.prediction_ids)
            found.failures += request.assignment.attempt_status != "ok"
        else:
            found.failures += 1
        found.latencies.append(request.latency_us)
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


def _event_at_us(request: PredictionRecord | FailureRecord) -> int:
    if isinstance(request, PredictionRecord) and request.event_at_us:
        first = request.event_at_us[0]
        if EARLIEST_US <= first <= LATEST_US:
            return first
    return request.at_us
