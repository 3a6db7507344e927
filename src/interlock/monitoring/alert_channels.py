"""Who is told of alerts, configured by administrators. Called by the control API.

A channel's URL holds secrets. It goes into the database and to the channel, and is shown masked everywhere else.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from interlock.domain.access import Key
from interlock.domain.alert import SEVERITIES, Channel, Delivery, Notice, Severity
from interlock.domain.errors import InvalidInputError, NotDeliveredError
from interlock.domain.names import check_name
from interlock.store.database import Store

_TEST = "This is a test. Alerts will come this way."


class AlertChannels:
    """Channels by name.

    Args:
        store: Where they are.
        clock: Aware UTC now.
        check: Refuses a URL by which nothing could be sent.
        masked: What may be shown of a URL.
        send: Sends a notice through a channel, or raises NotDeliveredError.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], datetime],
        *,
        check: Callable[[str], None],
        masked: Callable[[str], str],
        send: Callable[[Channel, Delivery], None],
    ) -> None:
        self._store, self._clock = store, clock
        self._check, self._masked, self._send = check, masked, send

    def add(
        self, name: str, url: str, *, actor: Key, least_severity: str = "info", endpoints: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        """Add a channel. It is told of what happens from now on.

        Raises:
            InvalidInputError: Name, URL or severity is not legal.
            ConflictError: There is one of that name.
        """
        self._check(url)
        now = self._clock()
        channel = Channel(
            name=check_name("channel", name),
            url=url,
            created_at=now,
            created_by=actor.name,
            least_severity=_severity(least_severity),
            endpoints=tuple(check_name("endpoint", endpoint) for endpoint in endpoints),
        )
        shown = self._describe(channel)
        details = {field: shown[field] for field in ("url", "least_severity", "endpoints")}
        with self._store.transaction() as tx:
            tx.channels.add(channel)
            tx.audit.append(now, actor.name, actor.role, "channel.add", name, details)
        return shown

    def list(self) -> list[dict[str, Any]]:
        """All, with how many notices wait, and why the newest failure failed."""
        with self._store.read() as tx:
            found = [(channel, tx.deliveries.waiting(channel.name)) for channel in tx.channels.list()]
        return [
            {
                **self._describe(channel),
                "waiting": len(waiting),
                "last_error": next((each.last_error for each in waiting if each.last_error), ""),
            }
            for channel, waiting in found
        ]

    def remove(self, name: str, *, actor: Key) -> None:
        """Remove a channel. What waits for it is given up.

        Raises:
            NotFoundError: There is no such channel.
        """
        now = self._clock()
        with self._store.transaction() as tx:
            tx.channels.delete(name)
            waiting = tx.deliveries.waiting(name)
            for delivery in waiting:
                tx.deliveries.update(
                    msgspec.structs.replace(delivery, given_up_at=now, last_error=f"channel {name!r} was removed")
                )
            tx.audit.append(now, actor.name, actor.role, "channel.remove", name, {"given_up": len(waiting)})

    def test(self, name: str, *, actor: Key) -> dict[str, Any]:
        """Send a test now, past the outbox, and say what happened.

        Raises:
            NotFoundError: There is no such channel.
        """
        now = self._clock()
        with self._store.read() as tx:
            channel = tx.channels.get(name)
        notice = Notice(
            kind="test", endpoint="", severity="info", title=f"[test] Interlock, channel {name}", text=_TEST, at=now
        )
        try:
            self._send(channel, Delivery(channel=name, notice=notice, next_try_at=now))
            error = ""
        except NotDeliveredError as failed:
            error = str(failed)
        with self._store.transaction() as tx:
            tx.audit.append(now, actor.name, actor.role, "channel.test", name, {"error": error})
        return {"channel": name, "url": self._masked(channel.url), "delivered": not error, "error": error}

    def _describe(self, channel: Channel) -> dict[str, Any]:
        return {**msgspec.structs.asdict(channel), "url": self._masked(channel.url)}


def _severity(given: str) -> Severity:
    for severity in SEVERITIES:
        if severity == given:
            return severity
    raise InvalidInputError(f"least_severity == {given!r}, must be one of {', '.join(SEVERITIES)}")
