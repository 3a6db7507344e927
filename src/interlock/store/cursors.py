"""Where a loop stopped: small state by name, so that every loop can die at any instant."""

from sqlalchemy import select

from interlock.store.repository import Repository
from interlock.store.tables import cursors


class CursorRepository(Repository):
    """Values by name."""

    def get(self, name: str) -> str | None:
        """The value, or None before the first `set`."""
        return self._connection.scalar(select(cursors.c.value).where(cursors.c.name == name))

    def set(self, name: str, value: str) -> None:
        """Replace the value."""
        self._put(cursors, {"name": name}, {"value": value})
