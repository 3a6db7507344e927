"""Puts the report of yesterday into the outbox of every channel that wants it, once a day at its hour.

Run by the controller process beside the courier, which sends it. What was put there and how far this has come are one
transaction, so a report is posted once, whatever is killed when. Who was down for days gets the newest day only.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta

from interlock.domain.alert import Channel, Delivery, Notice, Severity
from interlock.monitoring.daily_page import page
from interlock.monitoring.daily_report import DailyReport, DailyReports
from interlock.monitoring.daily_text import text, title
from interlock.store.database import Store
from interlock.store.transaction import Transaction

_log = logging.getLogger(__name__)

_DAY = timedelta(days=1)

# An endpoint that nobody has called for so long is no morning's news; that it fell silent was told when it did.
_ASLEEP = timedelta(days=8)

_PAUSE = timedelta(minutes=10)
_SEVERITIES: dict[str, Severity] = {"breach": "warning", "error": "warning"}


class ReportPosting:
    """Posts what is due.

    Args:
        store: Channels and outbox.
        reports: Makes the reports.
        clock: The time now, aware UTC.
    """

    def __init__(self, store: Store, reports: DailyReports, clock: Callable[[], datetime]) -> None:
        self._store, self._reports, self._clock = store, reports, clock
        self._not_before: dict[str, datetime] = {}

    def step(self) -> int:
        """Post what is due.

        Returns:
            Reports posted.
        """
        now = self._clock()
        with self._store.read() as tx:
            due = list(_due(tx, now))
        return sum(
            self._post(channel, endpoint, day, now)
            for channel, endpoint, day in due
            if self._not_before.get(cursor_of(channel.name, endpoint), now) <= now
        )

    def _post(self, channel: Channel, endpoint: str, day: date, now: datetime) -> bool:
        cursor = cursor_of(channel.name, endpoint)
        try:
            report = None if self._is_asleep(endpoint, day) else self._reports.of(endpoint, day)
        except Exception:
            _log.exception("the report of %s on %s cannot be made; it is tried again", endpoint, day)
            self._not_before[cursor] = now + _PAUSE
            return False
        with self._store.transaction() as tx:
            if (tx.cursors.get(cursor) or "") >= day.isoformat():  # another machine was quicker
                return False
            tx.cursors.set(cursor, day.isoformat())
            if report is None:
                return False
            notice = notice_of(report, now)
            tx.deliveries.add([Delivery(channel=channel.name, notice=notice, next_try_at=now)])
        return True

    def _is_asleep(self, endpoint: str, day: date) -> bool:
        end = datetime.combine(day, time(0), UTC) + _DAY
        with self._store.read() as tx:
            answered = tx.service_hours.between(endpoint, end - _ASLEEP, end)
            refused = tx.rejections.between(endpoint, end - _ASLEEP, end)
        return not answered and not refused


def notice_of(report: DailyReport, now: datetime) -> Notice:
    """What a channel is given to say."""
    return Notice(
        kind="report",
        endpoint=report.endpoint,
        severity=_SEVERITIES.get(report.status, "info"),
        title=title(report),
        text=text(report),
        html=page(report),
        at=now,
    )


def cursor_of(channel: str, endpoint: str) -> str:
    """Under which the last day that was posted is kept."""
    return f"daily_report:{channel}:{endpoint}"


def _due(tx: Transaction, now: datetime) -> Iterator[tuple[Channel, str, date]]:
    wanting = [channel for channel in tx.channels.list() if channel.daily_report is not None]
    if not wanting:
        return
    names = [endpoint.name for endpoint in tx.endpoints.list()]
    for channel in wanting:
        day = last_day(now, channel.daily_report or 0)
        due_at = datetime.combine(day + _DAY, time(channel.daily_report or 0), UTC)
        if due_at < channel.created_at:
            continue
        for name in names:
            is_wanted = not channel.endpoints or name in channel.endpoints
            if is_wanted and (tx.cursors.get(cursor_of(channel.name, name)) or "") < day.isoformat():
                yield channel, name, day


def last_day(now: datetime, hour: int) -> date:
    """The last day whose report is due.

    Examples:
        >>> now = datetime(2026, 3, 2, 7, 30, tzinfo=UTC)
        >>> last_day(now, 7).isoformat(), last_day(now, 8).isoformat()
        ('2026-03-01', '2026-02-28')
    """
    at = now.astimezone(UTC)
    return at.date() - (_DAY if at.hour >= hour else 2 * _DAY)
