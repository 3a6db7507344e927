"""Runs of retraining by id."""

import builtins

from sqlalchemy import func, insert, select, update

from interlock.domain.errors import ConflictError, NotFoundError
from interlock.domain.run import Run
from interlock.store.repository import Repository
from interlock.store.tables import runs


class RunRepository(Repository):
    """Runs by id; at most one per endpoint is active."""

    def add(self, run: Run) -> None:
        """Raises ConflictError if the endpoint has an active run."""
        for active in self.active(run.endpoint):
            raise ConflictError(
                f"endpoint {run.endpoint!r} has run {active.id} ({active.state}); wait for its end, or cancel it first"
            )
        values = {"id": run.id, "endpoint": run.endpoint, "number": run.number}
        self._connection.execute(insert(runs).values(**values, is_active=not run.has_ended, body=run))

    def get(self, id: str) -> Run:
        """Raises NotFoundError."""
        found: Run | None = self._connection.scalar(select(runs.c.body).where(runs.c.id == id))
        if found is None:
            raise NotFoundError("run", id)
        return found

    def next_number(self, endpoint: str) -> int:
        """1 for the first run of an endpoint."""
        newest = self._connection.scalar(select(func.max(runs.c.number)).where(runs.c.endpoint == endpoint))
        return (newest or 0) + 1

    def list(self, endpoint: str | None = None) -> list[Run]:
        """All, or those of one endpoint, in the order in which they were asked for."""
        query = select(runs.c.body)
        if endpoint is not None:
            query = query.where(runs.c.endpoint == endpoint)
        return sorted(self._connection.scalars(query), key=lambda run: (run.created_at, run.id))

    def active(self, endpoint: str | None = None) -> builtins.list[Run]:
        """Those that have not ended, oldest first."""
        query = select(runs.c.body).where(runs.c.is_active)
        if endpoint is not None:
            query = query.where(runs.c.endpoint == endpoint)
        return sorted(self._connection.scalars(query), key=lambda run: (run.created_at, run.id))

    def update(self, run: Run) -> None:
        """Raises NotFoundError."""
        values = {"is_active": not run.has_ended, "body": run}
        if self._connection.execute(update(runs).where(runs.c.id == run.id).values(**values)).rowcount == 0:
            raise NotFoundError("run", run.id)
