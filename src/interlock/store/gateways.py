"""Heartbeats of the gateways: who is alive, and what each has loaded."""

from datetime import datetime

from sqlalchemy import delete, select

from interlock.domain.gateway_state import GatewayState
from interlock.store.repository import Repository
from interlock.store.tables import gateways


class GatewayRepository(Repository):
    """The last heartbeat of each gateway."""

    def beat(self, state: GatewayState) -> None:
        """Replace this gateway's last heartbeat."""
        self._put(gateways, {"id": state.id}, {"at": state.at, "body": state})

    def live(self, since: datetime) -> list[GatewayState]:
        """Those that beat at `since` or later, by id."""
        query = select(gateways.c.body).where(gateways.c.at >= since).order_by(gateways.c.id)
        return list(self._connection.scalars(query))

    def remove(self, id: str) -> None:
        """Forget a gateway that said goodbye."""
        self._connection.execute(delete(gateways).where(gateways.c.id == id))
