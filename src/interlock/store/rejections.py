"""What gateways refused: requests by endpoint, hour, field and rule, and a few bodies of the last day."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import and_, delete, func, select

from interlock.store.repository import Repository
from interlock.store.tables import rejected_samples, rejections

# Bodies may hold what people would not want to be kept; the counts stay.
SAMPLES_KEPT = timedelta(days=1)

_CHUNK = 500


class RejectionKey(msgspec.Struct, frozen=True, order=True):
    """What is counted: an hour of one endpoint and one broken rule. Without field and rule: all requests refused."""

    endpoint: str
    hour: datetime
    field: str
    rule: str


class Rejection(msgspec.Struct, frozen=True):
    """How many requests broke one rule in one hour."""

    hour: datetime
    field: str
    rule: str
    requests: int


class RejectedBody(msgspec.Struct, frozen=True, kw_only=True):
    """A body that was refused. `hour` is of its arrival; `spool` and `slot` say whose place it has."""

    endpoint: str
    hour: datetime
    spool: str
    slot: int
    at: datetime
    reason: str
    body: bytes


class RejectionRepository(Repository):
    """Refused requests. Added by the collector in the transaction of its cursor, read by monitoring, cut by upkeep."""

    def add_all(self, counts: Mapping[RejectionKey, int]) -> None:
        """Add to what is there."""
        keys = sorted(counts)
        for start in range(0, len(keys), _CHUNK):
            some = keys[start : start + _CHUNK]
            there = self._there(some)
            rows = [{**msgspec.structs.asdict(key), "requests": counts[key] + there.get(key, 0)} for key in some]
            self._put_all(rejections, ("endpoint", "hour", "field", "rule"), rows)

    def _there(self, keys: Sequence[RejectionKey]) -> dict[RejectionKey, int]:
        columns = rejections.c
        query = select(columns.endpoint, columns.hour, columns.field, columns.rule, columns.requests).where(
            and_(
                columns.endpoint.in_({key.endpoint for key in keys}),
                columns.hour.in_({key.hour for key in keys}),
            )
        )
        return {RejectionKey(*found): requests for *found, requests in self._connection.execute(query)}

    def keep(self, bodies: Sequence[RejectedBody]) -> None:
        """Keep bodies, each in its place."""
        rows = [msgspec.structs.asdict(body) for body in bodies]
        self._put_all(rejected_samples, ("endpoint", "hour", "spool", "slot"), rows)

    def drop_bodies(self, endpoint: str | None = None, *, before: datetime | None = None) -> None:
        """Drop bodies: of one endpoint or of all, and those that came before a time or all."""
        columns, dropped = rejected_samples.c, delete(rejected_samples)
        if endpoint is not None:
            dropped = dropped.where(columns.endpoint == endpoint)
        if before is not None:
            dropped = dropped.where(columns.at < before)
        self._connection.execute(dropped)

    def between(self, endpoint: str, start: datetime, end: datetime) -> list[Rejection]:
        """Counts of the hours from `start` up to but not with `end`, by hour, field and rule."""
        columns = rejections.c
        query = select(columns.hour, columns.field, columns.rule, columns.requests).where(
            and_(columns.endpoint == endpoint, columns.hour >= start, columns.hour < end)
        )
        rows = self._connection.execute(query.order_by(columns.hour, columns.field, columns.rule))
        return [Rejection(*row) for row in rows]

    def bodies(self, endpoint: str, start: datetime, end: datetime) -> list[RejectedBody]:
        """Bodies that came from `start` up to but not with `end`, by their time."""
        columns = rejected_samples.c
        query = select(rejected_samples).where(
            and_(columns.endpoint == endpoint, columns.at >= start, columns.at < end)
        )
        return [RejectedBody(**row) for row in self._connection.execute(query.order_by(columns.at)).mappings()]

    def latest_hour(self, endpoint: str) -> datetime | None:
        """The newest hour in which anything was refused."""
        query = select(func.max(rejections.c.hour)).where(rejections.c.endpoint == endpoint)
        latest: datetime | None = self._connection.scalar(query)
        return latest
