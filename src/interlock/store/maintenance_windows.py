"""Maintenance windows by name."""

import builtins

from sqlalchemy import delete, select

from interlock.domain.errors import ConflictError, NotFoundError
from interlock.domain.maintenance import MaintenanceWindow
from interlock.store.repository import Repository
from interlock.store.tables import maintenance_windows


class MaintenanceWindowRepository(Repository):
    """Few rows, read whenever somebody might be told of something."""

    def add(self, window: MaintenanceWindow) -> None:
        """Raises ConflictError if the name is taken."""
        if any(each.name == window.name for each in self.list()):
            raise ConflictError(f"maintenance window {window.name!r} is there already; remove it first")
        self._connection.execute(maintenance_windows.insert().values(name=window.name, body=window))

    def list(self) -> builtins.list[MaintenanceWindow]:
        """All, by name."""
        return list(self._connection.scalars(select(maintenance_windows.c.body).order_by(maintenance_windows.c.name)))

    def get(self, name: str) -> MaintenanceWindow:
        """Raises NotFoundError."""
        found = self._connection.scalar(select(maintenance_windows.c.body).where(maintenance_windows.c.name == name))
        if found is None:
            raise NotFoundError("maintenance window", name)
        return found  # type: ignore[no-any-return]  # the column's type decodes it

    def remove(self, name: str) -> MaintenanceWindow:
        """Raises NotFoundError."""
        found = self.get(name)
        self._connection.execute(delete(maintenance_windows).where(maintenance_windows.c.name == name))
        return found
