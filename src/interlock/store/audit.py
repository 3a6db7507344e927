"""Who did what, when and why, in a chain of hashes: a changed, removed or inserted entry shows.

It cannot show that the newest entries were cut off, unless the last hash was noted elsewhere: `verify` reports it.
"""

import builtins
import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, and_, func, insert, select

from interlock.store.repository import Repository
from interlock.store.tables import audit

_FIRST = "0" * 64
_encoder = msgspec.json.Encoder(order="deterministic")


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry. `hash` covers everything here and the entry before."""

    number: int
    at: datetime
    actor: str
    role: str
    action: str
    subject: str
    details: dict[str, Any]
    hash: str


class AuditVerification(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the chain holds. `first_bad` is the number of the first entry that does not fit; `head` the last hash."""

    entries: int
    ok: bool
    first_bad: int | None = None
    head: str = _FIRST


class AuditRepository(Repository):
    """The audit log. Entries are added with the change they describe, in one transaction."""

    def append(self, at: datetime, actor: str, role: str, action: str, subject: str, details: dict[str, Any]) -> None:
        """Add an entry.

        Args:
            at: When.
            actor: Name of the key, or of the part that acted by itself.
            role: Its role.
            action: What was done, `noun.verb`.
            subject: To what: an endpoint, a version, a release.
            details: The figures and reasons, as JSON. NaN and infinity become null.
        """
        last = self._connection.execute(
            select(audit.c.number, audit.c.hash).order_by(audit.c.number.desc()).limit(1)
        ).first()
        number, before = (last.number + 1, last.hash) if last else (1, _FIRST)
        text = _encoder.encode(details).decode()
        digest = _digest(before, number, at, (actor, role, action, subject, text))
        values = {"actor": actor, "role": role, "action": action, "subject": subject, "details": text}
        self._connection.execute(insert(audit).values(number=number, at=at, **values, hash=digest))

    def list(self, limit: int = 100, subject: str | None = None) -> list[AuditEntry]:
        """The newest entries, newest first, of all subjects or of one."""
        query = select(audit).order_by(audit.c.number.desc()).limit(limit)
        rows = self._connection.execute(query if subject is None else query.where(audit.c.subject == subject))
        return [_entry(row) for row in rows]

    def of_release(self, endpoint: str, id: str) -> builtins.list[AuditEntry]:
        """All entries about one release of an endpoint, newest first."""
        # As the encoder spells it. In a text of somebody's the quotes would be escaped.
        named = audit.c.details.contains(f'"release":{_encoder.encode(id).decode()}', autoescape=True)
        query = select(audit).where(and_(audit.c.subject == endpoint, named)).order_by(audit.c.number.desc())
        return [_entry(row) for row in self._connection.execute(query)]

    def newest(self) -> int:
        """Number of the newest entry; 0 if there is none."""
        return self._connection.scalar(select(func.max(audit.c.number))) or 0

    def after(self, number: int, actions: Sequence[str]) -> builtins.list[AuditEntry]:
        """Entries of some actions that were added after a number, oldest first."""
        query = select(audit).where(and_(audit.c.number > number, audit.c.action.in_(actions)))
        return [_entry(row) for row in self._connection.execute(query.order_by(audit.c.number))]

    def verify(self) -> AuditVerification:
        """Compute every hash anew."""
        before, number = _FIRST, 0
        query = select(audit).order_by(audit.c.number).execution_options(yield_per=1000)
        with self._connection.execute(query) as rows:
            for row in rows:
                number += 1
                parts = (row.actor, row.role, row.action, row.subject, row.details)
                if row.number != number or row.hash != _digest(before, number, row.at, parts):
                    return AuditVerification(entries=number, ok=False, first_bad=row.number, head=before)
                before = row.hash
        return AuditVerification(entries=number, ok=True, head=before)


def _digest(before: str, number: int, at: datetime, parts: tuple[str, ...]) -> str:
    # Microseconds as a whole number: the same instant has one spelling, whatever the time zone of the caller.
    instant = round(at.timestamp() * 1_000_000)
    return hashlib.sha256(before.encode() + _encoder.encode([number, instant, *parts])).hexdigest()


def _entry(row: Row[Any]) -> AuditEntry:
    values = dict(row._mapping)
    return AuditEntry(**{**values, "details": msgspec.json.decode(values["details"])})
