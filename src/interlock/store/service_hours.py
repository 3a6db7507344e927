"""How service went by endpoint, version and hour: requests, failures, rows, latencies."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Row, and_, func, select

from interlock.store.repository import Repository
from interlock.store.tables import service_hours

# Values in one IN (...): well under the limits of both databases.
_CHUNK = 500


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
        self.add_all([delta])

    def add_all(self, deltas: Iterable[ServiceDelta]) -> None:
        """Add many at once, one for each hour and version: a batch of backdated requests spans hundreds of hours."""
        by_endpoint: dict[str, list[ServiceDelta]] = {}
        for delta in deltas:
            by_endpoint.setdefault(delta.endpoint, []).append(delta)
        for endpoint, added in by_endpoint.items():
            there = self._there(endpoint, sorted({delta.hour for delta in added}))
            rows = [_values(delta, there.get((delta.version, delta.hour))) for delta in added]
            self._put_all(service_hours, ("endpoint", "hour", "version"), rows)

    def requests_by_hour(self, endpoint: str, start: datetime, end: datetime) -> dict[datetime, int]:
        """Requests to all versions together, of the hours from `start` up to but not with `end` that had any."""
        query = select(service_hours.c.hour, func.sum(service_hours.c.requests)).where(
            and_(service_hours.c.endpoint == endpoint, service_hours.c.hour >= start, service_hours.c.hour < end)
        )
        rows = self._connection.execute(query.group_by(service_hours.c.hour).order_by(service_hours.c.hour))
        return {hour: int(requests) for hour, requests in rows}

    def _there(self, endpoint: str, hours: Sequence[datetime]) -> dict[tuple[str, datetime], Row[Any]]:
        found = {}
        for start in range(0, len(hours), _CHUNK):
            some = service_hours.c.hour.in_(hours[start : start + _CHUNK])
            query = select(service_hours).where(and_(service_hours.c.endpoint == endpoint, some))
            found.update({(row.version, row.hour): row for row in self._connection.execute(query)})
        return found

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


def _values(delta: ServiceDelta, there: Row[Any] | None) -> dict[str, Any]:
    counts = {"requests": delta.requests, "failures": delta.failures, "rows": delta.rows, "latency": delta.latency}
    if there is not None:
        counts = {name: count + getattr(there, name) for name, count in counts.items()}
    return {"endpoint": delta.endpoint, "hour": delta.hour, "version": delta.version, **counts}
