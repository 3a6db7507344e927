"""Incidents and their history. Written by the controller in the transaction of its cursors, and by people."""

import builtins
from collections.abc import Collection

import msgspec
from sqlalchemy import func, insert, select, update

from interlock.domain.alert import Alert, AlertEvent
from interlock.domain.errors import NotFoundError
from interlock.store.repository import Repository
from interlock.store.tables import alert_events, alerts

# Databases have no room for more, and refuse to compare.
_LARGEST_ID = (1 << 63) - 1


class AlertRepository(Repository):
    """Incidents by id, which count from 1."""

    def add(self, alert: Alert) -> Alert:
        """Add an incident. Returns it with its id."""
        newest = self._connection.scalar(select(func.max(alerts.c.id))) or 0
        return self._write(msgspec.structs.replace(alert, id=newest + 1), is_new=True)

    def get(self, id: int) -> Alert:
        """Raises NotFoundError."""
        query = select(alerts.c.body).where(alerts.c.id == id)
        found: Alert | None = self._connection.scalar(query) if id <= _LARGEST_ID else None
        if found is None:
            raise NotFoundError("alert", str(id))
        return found

    def list(
        self,
        endpoint: str | None = None,
        *,
        is_open: bool | None = None,
        limit: int = 100,
        among: Collection[str] = (),
    ) -> builtins.list[Alert]:
        """The newest, newest first: of all endpoints or of one, whatever their state or open or not.

        Args:
            among: Only of these endpoints; empty is all.
        """
        query = select(alerts.c.body).order_by(alerts.c.id.desc()).limit(limit)
        if endpoint is not None:
            query = query.where(alerts.c.endpoint == endpoint)
        if is_open is not None:
            query = query.where(alerts.c.is_open.is_(is_open))
        if among:
            query = query.where(alerts.c.endpoint.in_(among))
        return list(self._connection.scalars(query))

    def open(self, endpoint: str | None = None) -> builtins.list[Alert]:
        """Those that are not resolved, oldest first."""
        query = select(alerts.c.body).where(alerts.c.is_open).order_by(alerts.c.id)
        return list(self._connection.scalars(query if endpoint is None else query.where(alerts.c.endpoint == endpoint)))

    def update(self, alert: Alert) -> None:
        """Put an incident in the place of the one of its id."""
        self._write(alert, is_new=False)

    def add_event(self, id: int, event: AlertEvent) -> None:
        """Add to an incident's history."""
        newest = select(func.max(alert_events.c.number)).where(alert_events.c.alert_id == id)
        number = (self._connection.scalar(newest) or 0) + 1
        self._connection.execute(insert(alert_events).values(alert_id=id, number=number, body=event))

    def events(self, id: int) -> builtins.list[AlertEvent]:
        """An incident's history, oldest first."""
        query = select(alert_events.c.body).where(alert_events.c.alert_id == id)
        return list(self._connection.scalars(query.order_by(alert_events.c.number)))

    def _write(self, alert: Alert, *, is_new: bool) -> Alert:
        values = {
            "endpoint": alert.endpoint,
            "is_open": alert.state != "resolved",
            "opened_at": alert.opened_at,
            "body": alert,
        }
        written = insert(alerts).values(id=alert.id) if is_new else update(alerts).where(alerts.c.id == alert.id)
        self._connection.execute(written.values(**values))
        return alert
