"""Pinned versions of the log, by endpoint and name."""

from sqlalchemy import and_, delete, insert, select

from interlock.domain.errors import ConflictError, NotFoundError
from interlock.domain.pin import Pin
from interlock.store.repository import Repository
from interlock.store.tables import pins


class PinRepository(Repository):
    """What was pinned. The rows are in the log."""

    def add(self, pin: Pin) -> None:
        """Raises ConflictError if the endpoint has a pin of that name."""
        if pin.name in self._names(pin.endpoint):
            raise ConflictError(f"pin {pin.ref!r} exists already; a pin never changes, choose another name")
        self._connection.execute(insert(pins).values(endpoint=pin.endpoint, name=pin.name, body=pin))

    def get(self, endpoint: str, name: str) -> Pin:
        """Raises NotFoundError, which names the endpoint's pins."""
        query = select(pins.c.body).where(and_(pins.c.endpoint == endpoint, pins.c.name == name))
        found: Pin | None = self._connection.scalar(query)
        if found is None:
            raise NotFoundError("pin", f"{endpoint}@{name}", self._names(endpoint))
        return found

    def list(self, endpoint: str | None = None) -> list[Pin]:
        """All pins, or those of an endpoint, by endpoint and name."""
        query = select(pins.c.body).order_by(pins.c.endpoint, pins.c.name)
        return list(self._connection.scalars(query if endpoint is None else query.where(pins.c.endpoint == endpoint)))

    def replace(self, pin: Pin) -> None:
        """Put a pin in the place of the one of its name: rows of a unit were deleted from it."""
        self._put(pins, {"endpoint": pin.endpoint, "name": pin.name}, {"body": pin})

    def delete(self, endpoint: str, name: str) -> None:
        """Raises NotFoundError if it is not there."""
        self.get(endpoint, name)
        self._connection.execute(delete(pins).where(and_(pins.c.endpoint == endpoint, pins.c.name == name)))

    def _names(self, endpoint: str) -> tuple[str, ...]:
        query = select(pins.c.name).where(pins.c.endpoint == endpoint).order_by(pins.c.name)
        return tuple(self._connection.scalars(query))
