"""Brings notices from the outbox to their channels, and tries again for as long as it takes.

Run by the controller process in a thread of its own: a mail server that hangs keeps nobody else waiting. A notice is
claimed for a minute before it is sent, so that of several machines one sends it, and marked afterwards: it is delivered
at least once, and twice if the program is killed in between.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from interlock.domain.alert import Channel, Delivery
from interlock.domain.errors import NotDeliveredError, NotFoundError
from interlock.store.database import Store

_log = logging.getLogger(__name__)

_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=10)

# Longer than a channel takes to give up.
_CLAIM = timedelta(minutes=1)

# A notice that its channel never takes must not hold up the others: they are tried this soon, one at a time.
_OTHERS_PAUSE = timedelta(minutes=1)


class Courier:
    """Sends what is due.

    Args:
        store: Outbox and channels.
        send: Sends a notice through a channel, or raises NotDeliveredError.
        clock: The time now, aware UTC.
    """

    def __init__(self, store: Store, send: Callable[[Channel, Delivery], None], clock: Callable[[], datetime]) -> None:
        self._store, self._send, self._clock = store, send, clock

    def step(self) -> int:
        """Try what is due, of each channel until something fails.

        Returns:
            Notices delivered.
        """
        with self._store.read() as tx:
            due, channels = tx.deliveries.due(self._clock()), {each.name: each for each in tx.channels.list()}
        failed: set[str] = set()
        delivered = 0
        for delivery in due:
            channel = channels.get(delivery.channel)
            if channel is None:
                self._give_up(delivery)
            elif channel.name not in failed:
                delivered += self._try(channel, delivery, failed)
        return delivered

    def _try(self, channel: Channel, due: Delivery, failed: set[str]) -> bool:
        now = self._clock()
        with self._store.transaction() as tx:
            delivery = tx.deliveries.claim(due.id, now, now + _CLAIM)
        if delivery is None:
            return False
        try:
            self._send(channel, delivery)
        except NotDeliveredError as error:
            failed.add(channel.name)
            _log.warning("channel %s took no notice: %s; it is tried again", channel.name, error)
            self._postpone(delivery, str(error))
            return False
        now = self._clock()
        done = msgspec.structs.replace(delivery, attempts=delivery.attempts + 1, delivered_at=now, last_error="")
        with self._store.transaction() as tx:
            tx.deliveries.update(done)
        return True

    def _postpone(self, delivery: Delivery, error: str) -> None:
        now, attempts = self._clock(), delivery.attempts + 1
        pause = pause_after(attempts)
        others_at = now + min(pause, _OTHERS_PAUSE)
        with self._store.transaction() as tx:
            for other in tx.deliveries.waiting(delivery.channel):
                if other.id == delivery.id:
                    changed = msgspec.structs.replace(
                        delivery, attempts=attempts, next_try_at=now + pause, last_error=error
                    )
                else:
                    changed = msgspec.structs.replace(other, next_try_at=max(other.next_try_at, others_at))
                tx.deliveries.update(changed)

    def _give_up(self, delivery: Delivery) -> None:
        """The channel was removed."""
        with self._store.transaction() as tx:
            try:
                tx.channels.get(delivery.channel)
            except NotFoundError as error:
                tx.deliveries.update(
                    msgspec.structs.replace(delivery, given_up_at=self._clock(), last_error=str(error))
                )


def pause_after(attempts: int) -> timedelta:
    """How long to wait after so many failures: twice as long each time, up to ten minutes.

    Examples:
        >>> [pause_after(attempts).total_seconds() for attempts in (1, 2, 3, 50)]
        [5.0, 10.0, 20.0, 600.0]
    """
    return min(_FIRST_PAUSE * (1 << min(attempts - 1, 20)), _LONGEST_PAUSE)
