"""Verdicts of monitoring. Kept for ever, also when a window was judged again because labels came late."""

import builtins
from collections.abc import Iterable
from datetime import datetime

import msgspec
from sqlalchemy import Text, func, insert, select, type_coerce

from interlock.domain.verdict import Verdict
from interlock.store.repository import Repository
from interlock.store.tables import verdicts

_decoder = msgspec.json.Decoder(Verdict)


class NumberedVerdict(msgspec.Struct, frozen=True):
    """A verdict with its place in the order in which all were added; None where it cannot be read, for `fault`."""

    number: int
    verdict: Verdict | None
    endpoint: str = ""
    fault: str = ""


class VerdictRepository(Repository):
    """Verdicts by endpoint and window."""

    def append(self, new: Iterable[Verdict]) -> None:
        """Add verdicts."""
        rows = [
            {"endpoint": one.endpoint, "window_start": one.window_start, "window_end": one.window_end, "body": one}
            for one in new
        ]
        if rows:
            self._connection.execute(insert(verdicts), rows)

    def of_endpoint_after(self, endpoint: str, number: int) -> builtins.list[Verdict]:
        """Verdicts of an endpoint that were added after this number, in the order in which they were."""
        query = select(verdicts.c.body).where(verdicts.c.endpoint == endpoint, verdicts.c.number > number)
        return [*self._connection.scalars(query.order_by(verdicts.c.number))]

    def list(self, endpoint: str, since: datetime | None = None, until: datetime | None = None) -> list[Verdict]:
        """Verdicts whose window overlaps [since, until), by window, then as they were added."""
        query = select(verdicts.c.body).where(verdicts.c.endpoint == endpoint)
        if since is not None:
            query = query.where(verdicts.c.window_end > since)
        if until is not None:
            query = query.where(verdicts.c.window_start < until)
        return list(self._connection.scalars(query.order_by(verdicts.c.window_start, verdicts.c.number)))

    def newest(self) -> int:
        """Number of the verdict that was added last; 0 if there is none."""
        return self._connection.scalar(select(func.max(verdicts.c.number))) or 0

    def after(self, number: int, *, limit: int) -> builtins.list[NumberedVerdict]:
        """Verdicts of all endpoints that were added after one, in the order in which they were added.

        One that cannot be read, such as one of a newer program, keeps nobody from the others.
        """
        query = select(verdicts.c.number, verdicts.c.endpoint, type_coerce(verdicts.c.body, Text))
        rows = self._connection.execute(
            query.where(verdicts.c.number > number).order_by(verdicts.c.number).limit(limit)
        )
        return [_read(*row) for row in rows]


def _read(number: int, endpoint: str, body: str) -> NumberedVerdict:
    try:
        return NumberedVerdict(number, _decoder.decode(body), endpoint)
    except msgspec.MsgspecError as error:
        return NumberedVerdict(number, None, endpoint, str(error))
