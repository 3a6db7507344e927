"""Silences. Kept after their end, so that one can see why nobody was told."""

import builtins
from datetime import datetime

import msgspec
from sqlalchemy import func, insert, select

from interlock.domain.alert import Silence
from interlock.store.repository import Repository
from interlock.store.tables import silences


class SilenceRepository(Repository):
    """Silences by id, which count from 1."""

    def add(self, silence: Silence) -> Silence:
        """Add a silence. Returns it with its id."""
        newest = self._connection.scalar(select(func.max(silences.c.id))) or 0
        added = msgspec.structs.replace(silence, id=newest + 1)
        self._connection.execute(insert(silences).values(id=added.id, until=added.until, body=added))
        return added

    def list(self) -> builtins.list[Silence]:
        """All, newest first."""
        return list(self._connection.scalars(select(silences.c.body).order_by(silences.c.id.desc())))

    def running(self, now: datetime) -> builtins.list[Silence]:
        """Those that have not ended."""
        return list(self._connection.scalars(select(silences.c.body).where(silences.c.until > now)))
