"""Endpoints by name."""

from sqlalchemy import delete, insert, select, update

from interlock.domain.endpoint import Endpoint
from interlock.domain.errors import ConflictError, NotFoundError
from interlock.store.repository import Repository
from interlock.store.tables import endpoints


class EndpointRepository(Repository):
    """What is served, without who answers: that is in `plans`."""

    def add(self, endpoint: Endpoint) -> None:
        """Raises ConflictError if the name is taken."""
        if endpoint.name in self._names():
            raise ConflictError(f"endpoint {endpoint.name!r} exists already; choose another name, or delete it first")
        self._connection.execute(insert(endpoints).values(name=endpoint.name, body=endpoint))

    def get(self, name: str) -> Endpoint:
        """Raises NotFoundError, which names the endpoints there are."""
        found: Endpoint | None = self._connection.scalar(select(endpoints.c.body).where(endpoints.c.name == name))
        if found is None:
            raise NotFoundError("endpoint", name, self._names())
        return found

    def update(self, endpoint: Endpoint) -> None:
        """Raises NotFoundError if it is not there."""
        changed = self._connection.execute(
            update(endpoints).where(endpoints.c.name == endpoint.name).values(body=endpoint)
        )
        if changed.rowcount == 0:
            raise NotFoundError("endpoint", endpoint.name, self._names())

    def list(self) -> list[Endpoint]:
        """All of them, by name."""
        return list(self._connection.scalars(select(endpoints.c.body).order_by(endpoints.c.name)))

    def delete(self, name: str) -> None:
        """Raises NotFoundError if it is not there."""
        if self._connection.execute(delete(endpoints).where(endpoints.c.name == name)).rowcount == 0:
            raise NotFoundError("endpoint", name, self._names())

    def _names(self) -> tuple[str, ...]:
        return tuple(self._connection.scalars(select(endpoints.c.name).order_by(endpoints.c.name)))
