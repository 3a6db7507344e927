"""Releases and the looks that their decisions rest on."""

import builtins
from datetime import datetime

import msgspec
from sqlalchemy import Select, func, insert, select, update

from interlock.domain.errors import ConflictError, NotFoundError
from interlock.domain.release import TERMINAL, Gate, Release
from interlock.store.plans import PlanRepository
from interlock.store.repository import Repository
from interlock.store.tables import looks, releases


class Look(msgspec.Struct, frozen=True):
    """What all gates said at one time. Kept when it differs from the look before."""

    at: datetime
    step: int
    gates: tuple[Gate, ...]


class ReleaseRepository(Repository):
    """Releases by id; at most one per endpoint is active."""

    def add(self, release: Release) -> None:
        """Raises ConflictError if the endpoint has an active release."""
        for active in self.active(release.endpoint):
            raise ConflictError(
                f"endpoint {release.endpoint!r} has release {active.id} ({active.candidate}, {active.state}); "
                "wait for its end, or roll it back first"
            )
        values = {"id": release.id, "endpoint": release.endpoint, "created_at": release.created_at}
        self._connection.execute(
            insert(releases).values(**values, is_active=release.state not in TERMINAL, body=release)
        )

    def get(self, id: str) -> Release:
        """Raises NotFoundError."""
        found: Release | None = self._connection.scalar(select(releases.c.body).where(releases.c.id == id))
        if found is None:
            raise NotFoundError("release", id)
        return found

    def list(self, endpoint: str | None = None) -> list[Release]:
        """All, or those of one endpoint, oldest first."""
        return self._some(select(releases.c.body), endpoint)

    def active(self, endpoint: str | None = None) -> builtins.list[Release]:
        """Those that have not ended, oldest first."""
        return self._some(select(releases.c.body).where(releases.c.is_active), endpoint)

    def watched(self) -> builtins.list[Release]:
        """Those whose promotion is still watched: the ones that a traffic plan without challengers names."""
        plans = PlanRepository(self._connection).all_current()
        named = [plan.release_id for plan in plans if plan.release_id is not None and not plan.challengers]
        if not named:
            return []
        found = self._some(select(releases.c.body).where(releases.c.id.in_(named)), None)
        return [release for release in found if release.is_watched]

    def update(self, release: Release) -> None:
        """Raises NotFoundError."""
        values = {"is_active": release.state not in TERMINAL, "body": release}
        changed = self._connection.execute(update(releases).where(releases.c.id == release.id).values(**values))
        if changed.rowcount == 0:
            raise NotFoundError("release", release.id)

    def add_look(self, release_id: str, at: datetime, step: int, gates: tuple[Gate, ...]) -> None:
        """Keep what the gates said."""
        number = self.count_looks(release_id) + 1
        self._connection.execute(
            insert(looks).values(release_id=release_id, number=number, at=at, step=step, body=gates)
        )

    def looks(self, release_id: str) -> builtins.list[Look]:
        """All kept looks, oldest first."""
        query = select(looks.c.at, looks.c.step, looks.c.body).where(looks.c.release_id == release_id)
        return [Look(*row) for row in self._connection.execute(query.order_by(looks.c.number))]

    def count_looks(self, release_id: str) -> int:
        """How many looks were kept."""
        query = select(func.max(looks.c.number)).where(looks.c.release_id == release_id)
        return self._connection.scalar(query) or 0

    def _some(self, query: Select[tuple[Release]], endpoint: str | None) -> builtins.list[Release]:
        if endpoint is not None:
            query = query.where(releases.c.endpoint == endpoint)
        return list(self._connection.scalars(query.order_by(releases.c.created_at, releases.c.id)))
