"""Who is told of alerts, configured by administrators. Called by the control API.

A channel's URL holds secrets. It goes into the database and to the channel, and is shown masked everywhere else.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from interlock.domain.access import Act, Key
from interlock.domain.alert import SEVERITIES, Channel, Delivery, Notice, Severity
from interlock.domain.errors import InvalidInputError, NotDeliveredError
from interlock.domain.names import check_name
from interlock.store.database import Store
from interlock.store.transaction import Transaction

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
        self.check, self.masked, self._send = check, masked, send

    def add(
        self,
        name: str,
        url: str,
        *,
        actor: Key,
        least_severity: str = "info",
        endpoints: tuple[str, ...] = (),
        daily_report: int | None = None,
    ) -> dict[str, Any]:
        """Add a channel. It is told of what happens from now on.

        Args:
            name, url, least_severity, endpoints, daily_report: As of `Channel`.
            actor: Who adds it.

        Raises:
            InvalidInputError: Name, URL, severity or hour is not legal.
            ConflictError: There is one of that name.
        """
        self.check(url)  # before the transaction: the first time, it loads what knows all services
        options = {"least_severity": least_severity, "endpoints": endpoints, "daily_report": daily_report}
        with self._store.transaction() as tx:
            return self._describe(self._add(tx, name, {"url": url, **options}, Act(actor, self._clock())))

    def put_in(self, tx: Transaction, name: str, given: Mapping[str, Any], act: Act) -> None:
        """Add a channel, or change one that is there, as a part of a transaction.

        Args:
            tx: The transaction.
            name: Which.
            given: `url`, which was checked, `least_severity`, `endpoints`, `daily_report`; what is not given stays as
                it is.
            act: Who asks.

        Raises:
            InvalidInputError: Something is not legal.
        """
        before = next((channel for channel in tx.channels.list() if channel.name == name), None)
        if before is None:
            self._add(tx, name, given, act)
            return
        after = msgspec.structs.replace(before, **given)
        _hour(after.daily_report)
        tx.channels.update(after)
        details = {"before": self._shown(before), "after": self._shown(after), "fields": sorted(given)}
        tx.audit.append(act.at, act.actor.name, act.actor.role, "channel.change", name, details)

    def _add(self, tx: Transaction, name: str, given: Mapping[str, Any], act: Act) -> Channel:
        channel = Channel(
            name=check_name("channel", name),
            url=given["url"],
            created_at=act.at,
            created_by=act.actor.name,
            least_severity=_severity(given.get("least_severity", "info")),
            endpoints=tuple(check_name("endpoint", endpoint) for endpoint in given.get("endpoints", ())),
            daily_report=_hour(given.get("daily_report")),
        )
        tx.channels.add(channel)
        tx.audit.append(act.at, act.actor.name, act.actor.role, "channel.add", name, self._shown(channel))
        return channel

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
        with self._store.transaction() as tx:
            self.remove_in(tx, name, Act(actor, self._clock()))

    def remove_in(self, tx: Transaction, name: str, act: Act) -> None:
        """As `remove`, as a part of a transaction."""
        tx.channels.delete(name)
        waiting = tx.deliveries.waiting(name)
        for delivery in waiting:
            tx.deliveries.update(
                msgspec.structs.replace(delivery, given_up_at=act.at, last_error=f"channel {name!r} was removed")
            )
        tx.audit.append(act.at, act.actor.name, act.actor.role, "channel.remove", name, {"given_up": len(waiting)})

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
        return {"channel": name, "url": self.masked(channel.url), "delivered": not error, "error": error}

    def _describe(self, channel: Channel) -> dict[str, Any]:
        return {**msgspec.structs.asdict(channel), "url": self.masked(channel.url)}

    def _shown(self, channel: Channel) -> dict[str, Any]:
        """For the audit log."""
        shown = self._describe(channel)
        return {field: shown[field] for field in ("url", "least_severity", "endpoints", "daily_report")}


def _hour(given: int | None) -> int | None:
    """A day is whole an hour after its end, when the last of its rows have been counted."""
    if given is not None and not 1 <= given <= 23:
        raise InvalidInputError(f"daily_report == {given}, must be an hour of the day from 1 to 23, in UTC")
    return given


def _severity(given: str) -> Severity:
    for severity in SEVERITIES:
        if severity == given:
            return severity
    raise InvalidInputError(f"least_severity == {given!r}, must be one of {', '.join(SEVERITIES)}")
