"""The outbox: notices on their way, one row for each channel.

They are written in the transaction of what they tell, and sent by somebody else afterwards: a mail server that is dead
costs no alert, and a program that is killed leaves them here.
"""

import builtins
from collections.abc import Iterable
from datetime import datetime

import msgspec
from sqlalchemy import and_, func, insert, select, update

from interlock.domain.alert import Delivery
from interlock.store.repository import Repository
from interlock.store.tables import deliveries


class DeliveryRepository(Repository):
    """Deliveries by id, which count from 1. They stay when they are done."""

    def add(self, new: Iterable[Delivery]) -> None:
        """Put notices into the outbox."""
        newest = self._connection.scalar(select(func.max(deliveries.c.id))) or 0
        rows = [_row(msgspec.structs.replace(each, id=newest + number)) for number, each in enumerate(new, 1)]
        if rows:
            self._connection.execute(insert(deliveries), rows)

    def claim(self, id: int, now: datetime, until: datetime) -> Delivery | None:
        """Take a delivery that is due, so that nobody else tries it before `until`; None if somebody was quicker."""
        found: Delivery | None = self._connection.scalar(
            select(deliveries.c.body).where(
                and_(deliveries.c.id == id, deliveries.c.is_waiting, deliveries.c.next_try_at <= now)
            )
        )
        if found is not None:
            self.update(msgspec.structs.replace(found, next_try_at=until))
        return found

    def due(self, now: datetime, *, limit: int = 100) -> builtins.list[Delivery]:
        """What may be tried now, in the order in which it was written."""
        query = select(deliveries.c.body).where(and_(deliveries.c.is_waiting, deliveries.c.next_try_at <= now))
        return list(self._connection.scalars(query.order_by(deliveries.c.id).limit(limit)))

    def waiting(self, channel: str | None = None) -> builtins.list[Delivery]:
        """What has not been delivered, of all channels or of one, in the order in which it was written."""
        query = select(deliveries.c.body).where(deliveries.c.is_waiting).order_by(deliveries.c.id)
        return list(
            self._connection.scalars(query if channel is None else query.where(deliveries.c.channel == channel))
        )

    def of_alert(self, alert_id: int) -> builtins.list[Delivery]:
        """All of an incident, in the order in which they were written."""
        query = select(deliveries.c.body).where(deliveries.c.alert_id == alert_id).order_by(deliveries.c.id)
        return list(self._connection.scalars(query))

    def update(self, delivery: Delivery) -> None:
        """Put a delivery in the place of the one of its id."""
        row = _row(delivery)
        self._connection.execute(update(deliveries).where(deliveries.c.id == row.pop("id")).values(**row))


def _row(delivery: Delivery) -> dict[str, object]:
    return {
        "id": delivery.id,
        "alert_id": delivery.notice.alert or 0,
        "channel": delivery.channel,
        "is_waiting": delivery.delivered_at is None and delivery.given_up_at is None,
        "next_try_at": delivery.next_try_at,
        "body": delivery,
    }
