"""How far each spool has been counted, and how many rows that was: the middle term of the log's reconciliation."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import and_, delete, func, insert, select
from sqlalchemy.sql.elements import ColumnElement

from interlock.domain.errors import ConflictError
from interlock.store.repository import Repository
from interlock.store.tables import spool_rows, spools


class SegmentRows(msgspec.Struct, frozen=True):
    """Rows of one endpoint: in one segment, or in all segments up to one.

    Args:
        predictions: Prediction rows, for the log.
        labels: Labels.
        quarantined: Prediction rows in damaged frames, set aside.
        failures: Requests that no version answered.
    """

    predictions: int = 0
    labels: int = 0
    quarantined: int = 0
    failures: int = 0

    def __add__(self, other: "SegmentRows") -> "SegmentRows":
        return SegmentRows(
            self.predictions + other.predictions,
            self.labels + other.labels,
            self.quarantined + other.quarantined,
            self.failures + other.failures,
        )


_ROWS = (spool_rows.c.predictions, spool_rows.c.labels, spool_rows.c.quarantined, spool_rows.c.failures)


class SpoolRepository(Repository):
    """Cursor of each spool, with cumulative row counts by endpoint at each segment."""

    def last(self, spool: str) -> int:
        """Number of the last segment whose counts are in the store; 0 before the first."""
        return self._connection.scalar(select(spools.c.segment).where(spools.c.spool == spool)) or 0

    def advance(self, spool: str, seq: int, rows: Mapping[str, SegmentRows]) -> None:
        """Move the cursor to segment `seq`, which held `rows` by endpoint.

        Raises:
            ConflictError: The spool has been counted up to there already; nothing may count twice.
        """
        last = self.last(spool)
        if seq <= last:
            raise ConflictError(f"segment {seq} of spool {spool!r} is counted already (up to {last})")
        for endpoint, found in rows.items():
            total = self.rows_upto(spool, endpoint, last) + found
            values = {"spool": spool, "endpoint": endpoint, "segment": seq, **msgspec.structs.asdict(total)}
            self._connection.execute(insert(spool_rows).values(**values))
        self._put(spools, {"spool": spool}, {"segment": seq})

    def rows_upto(self, spool: str, endpoint: str, seq: int) -> SegmentRows:
        """Rows of an endpoint in all segments of a spool up to and with `seq`."""
        query = select(*_ROWS).where(_upto(spool, endpoint, seq)).order_by(spool_rows.c.segment.desc()).limit(1)
        row = self._connection.execute(query).first()
        return SegmentRows(*row) if row else SegmentRows()

    def rows(self, spool: str) -> dict[str, SegmentRows]:
        """Rows counted ever of one spool, by endpoint."""
        query = select(spool_rows.c.endpoint).where(spool_rows.c.spool == spool).distinct()
        last = self.last(spool)
        return {endpoint: self.rows_upto(spool, endpoint, last) for endpoint in self._connection.scalars(query)}

    def totals(self) -> dict[str, SegmentRows]:
        """Rows counted ever, by endpoint, over all spools."""
        newest = (
            select(spool_rows.c.spool, spool_rows.c.endpoint, func.max(spool_rows.c.segment).label("segment"))
            .group_by(spool_rows.c.spool, spool_rows.c.endpoint)
            .subquery()
        )
        same = and_(*(spool_rows.c[name] == newest.c[name] for name in ("spool", "endpoint", "segment")))
        totals: dict[str, SegmentRows] = {}
        for endpoint, *rows in self._connection.execute(select(spool_rows.c.endpoint, *_ROWS).join(newest, same)):
            totals[endpoint] = totals.get(endpoint, SegmentRows()) + SegmentRows(*rows)
        return totals

    def prune(self, spool: str, endpoint: str, seq: int) -> None:
        """Forget counts at segments older than what `rows_upto(spool, endpoint, seq)` needs.

        Without it a busy spool leaves a row a second. Called when the log's table is known to have reached `seq`.
        """
        query = select(func.max(spool_rows.c.segment)).where(_upto(spool, endpoint, seq))
        newest = self._connection.scalar(query)
        if newest is not None:
            self._connection.execute(delete(spool_rows).where(_upto(spool, endpoint, newest - 1)))


def _upto(spool: str, endpoint: str, seq: int) -> ColumnElement[bool]:
    return and_(spool_rows.c.spool == spool, spool_rows.c.endpoint == endpoint, spool_rows.c.segment <= seq)
