"""Endpoints by name."""

from sqlalchemy import delete, insert, select

from interlock.domain.endpoint import Endpoint
from interlock.domain.errors import ConflictError, NotFoundError
from interlock.store.repository import Repository
from interlock.store.tables import cursors, endpoints, error_rules, retrainings


class EndpointRepository(Repository):
    """What is served, without who answers: that is in `plans`."""

    def add(self, endpoint: Endpoint) -> None:
        """Raises ConflictError if the name is taken."""
        if endpoint.name in self._names():
            raise ConflictError(f"endpoint {endpoint.name!r} exists already; choose another name, or delete it first")
        self._connection.execute(insert(endpoints).values(name=endpoint.name, body=endpoint))
        self._connection.execute(delete(cursors).where(cursors.c.name == _retention(endpoint.name)))

    def update(self, endpoint: Endpoint) -> None:
        """Put new settings in the place of the old. Raises NotFoundError if it is not there."""
        self.get(endpoint.name)
        self._put(endpoints, {"name": endpoint.name}, {"body": endpoint})

    def get(self, name: str) -> Endpoint:
        """Raises NotFoundError, which names the endpoints there are."""
        found: Endpoint | None = self._connection.scalar(select(endpoints.c.body).where(endpoints.c.name == name))
        if found is None:
            raise NotFoundError("endpoint", name, self._names())
        return found

    def list(self) -> list[Endpoint]:
        """All of them, by name."""
        return list(self._connection.scalars(select(endpoints.c.body).order_by(endpoints.c.name)))

    def delete(self, name: str) -> None:
        """Raises NotFoundError if it is not there. How long its log keeps rows is remembered, since the log stays.

        What is declared of retraining goes with it, and rules that tag rows: another endpoint of its name is another.
        """
        retention_days = self.get(name).retention_days
        self._connection.execute(delete(endpoints).where(endpoints.c.name == name))
        self._connection.execute(delete(retrainings).where(retrainings.c.endpoint == name))
        self._connection.execute(delete(error_rules).where(error_rules.c.endpoint == name))
        if retention_days:
            self._put(cursors, {"name": _retention(name)}, {"value": str(retention_days)})

    def retention_days(self, name: str) -> int:
        """How many days the log of an endpoint keeps, also of one that was deleted; 0 for ever."""
        found: Endpoint | None = self._connection.scalar(select(endpoints.c.body).where(endpoints.c.name == name))
        if found is not None:
            return found.retention_days
        days = self._connection.scalar(select(cursors.c.value).where(cursors.c.name == _retention(name)))
        return int(days) if days is not None else 0

    def _names(self) -> tuple[str, ...]:
        return tuple(self._connection.scalars(select(endpoints.c.name).order_by(endpoints.c.name)))


def _retention(name: str) -> str:
    return f"retention:{name}"
