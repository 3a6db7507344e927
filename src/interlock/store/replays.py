"""Replays, by id."""

import builtins
from collections.abc import Callable

from sqlalchemy import insert, select, update

from interlock.domain.errors import NotFoundError
from interlock.domain.replay import Replay
from interlock.store.repository import Repository
from interlock.store.tables import replays


class ReplayRepository(Repository):
    """Every replay there was, with its report."""

    def add(self, replay: Replay) -> None:
        """Keep a new one."""
        values = {"id": replay.id, "endpoint": replay.endpoint, "created_at": replay.created_at}
        self._connection.execute(insert(replays).values(**values, body=replay))

    def get(self, id: str) -> Replay:
        """Raises NotFoundError."""
        found: Replay | None = self._connection.scalar(select(replays.c.body).where(replays.c.id == id))
        if found is None:
            raise NotFoundError("replay", id)
        return found

    def list(self, endpoint: str | None = None) -> builtins.list[Replay]:
        """All, or those of one endpoint, oldest first."""
        query = select(replays.c.body).order_by(replays.c.created_at, replays.c.id)
        return list(
            self._connection.scalars(query if endpoint is None else query.where(replays.c.endpoint == endpoint))
        )

    def change(self, id: str, how: Callable[[Replay], Replay]) -> Replay:
        """Put what `how` makes of the stored one in its place.

        Raises:
            NotFoundError: There is none.
        """
        changed = how(self.get(id))
        self._connection.execute(update(replays).where(replays.c.id == id).values(body=changed))
        return changed
