"""How service went by endpoint, version and hour: requests, failures, rows, latencies."""

from dataclasses import dataclass
from datetime import datetime

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import and_, select

from interlock.store.repository import Repository
from interlock.store.tables import service_hours


@dataclass(frozen=True, slots=True, eq=False)
class ServiceDelta:
    """What one segment adds to one hour. `latency`: requests per bin of `stats.log_histogram`, shape (SIZE,)."""

    endpoint: str
    version: str
    hour: datetime
    requests: int
    failures: int
    rows: int
    latency: NDArray[np.int64]


class ServiceHour(msgspec.Struct, frozen=True, kw_only=True):
    """All that was counted for one version in one hour."""

    endpoint: str
    version: str
    hour: datetime
    requests: int
    failures: int
    rows: int
    latency_counts: tuple[int, ...] = ()


class ServiceHourRepository(Repository):
    """Service counts. Added by the collector in the transaction of its cursor, read by monitoring."""

    def add(self, delta: ServiceDelta) -> None:
        """Add what a segment brought."""
        key = {"endpoint": delta.endpoint, "hour": delta.hour, "version": delta.version}
        query = select(service_hours).where(and_(*(service_hours.c[name] == value for name, value in key.items())))
        there = self._connection.execute(query).first()
        values = {"requests": delta.requests, "failures": delta.failures, "rows": delta.rows, "latency": delta.latency}
        if there is not None:
            values = {name: value + getattr(there, name) for name, value in values.items()}
        self._put(service_hours, key, values)

    def between(self, endpoint: str, start: datetime, end: datetime) -> list[ServiceHour]:
        """Every version's hours from `start` up to but not with `end`, by hour."""
        query = select(service_hours).where(
            and_(service_hours.c.endpoint == endpoint, service_hours.c.hour >= start, service_hours.c.hour < end)
        )
        rows = self._connection.execute(query.order_by(service_hours.c.hour, service_hours.c.version))
        return [
            ServiceHour(
                endpoint=row.endpoint,
                version=row.version,
                hour=row.hour,
                requests=row.requests,
                failures=row.failures,
                rows=row.rows,
                latency_counts=tuple(row.latency.tolist()),
            )
            for row in rows
        ]
