"""What people do with maintenance windows: write one, look, take it away. Each act is in the audit log."""

import builtins
from collections.abc import Callable
from datetime import datetime

from interlock.domain.access import Key
from interlock.domain.maintenance import MaintenanceWindow, check_window
from interlock.store.database import Store


class Maintenance:
    """Maintenance windows.

    Args:
        store: Where they are.
        clock: Aware UTC now.
    """

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store, self._clock = store, clock

    def list(self) -> builtins.list[MaintenanceWindow]:
        """All, by name."""
        with self._store.read() as tx:
            return tx.maintenance_windows.list()

    def get(self, name: str) -> MaintenanceWindow:
        """Raises NotFoundError."""
        with self._store.read() as tx:
            return tx.maintenance_windows.get(name)

    def now(self, endpoint: str) -> builtins.list[MaintenanceWindow]:
        """Those that an endpoint is in."""
        return [each for each in self.list() if each.covers(endpoint, self._clock())]

    def add(self, window: MaintenanceWindow, *, actor: Key) -> MaintenanceWindow:
        """Add one. It counts from now on.

        Raises:
            InvalidInputError: It cannot be.
            NotFoundError: There is no such endpoint.
            ConflictError: The name is taken.
        """
        check_window(window)
        details = {"window": window.name, "when": window.spelt, "reason": window.reason}
        with self._store.transaction() as tx:
            if window.endpoint:
                tx.endpoints.get(window.endpoint)
            tx.maintenance_windows.add(window)
            what = window.endpoint or "all endpoints"
            tx.audit.append(self._clock(), actor.name, actor.role, "maintenance.add", what, details)
        return window

    def remove(self, name: str, *, actor: Key) -> None:
        """Take one away. What is still firing is told of then.

        Raises:
            NotFoundError: There is no such window.
        """
        with self._store.transaction() as tx:
            window = tx.maintenance_windows.remove(name)
            what = window.endpoint or "all endpoints"
            details = {"window": name, "when": window.spelt}
            tx.audit.append(self._clock(), actor.name, actor.role, "maintenance.remove", what, details)
