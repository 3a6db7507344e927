"""When somebody last looked: a cookie of two times, so that a reload shows the same news as the visit it belongs to.

Called by the overview. The cookie holds two times, for this browser alone; whatever else it holds counts as none.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

COOKIE = "interlock_visits"
LIFETIME = timedelta(days=365)
# A look within this time of the one before belongs to the same visit.
_ONE_VISIT = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Visit:
    """A look at the overview.

    Args:
        since: End of the visit before, to which news are compared; None on the first visit.
        at: Now.
    """

    since: datetime | None
    at: datetime

    def cookie(self) -> str:
        """What the browser keeps until the next look."""
        return f"{self.since.timestamp() if self.since else 0:.0f}.{self.at.timestamp():.0f}"


def next_visit(cookie: str, now: datetime) -> Visit:
    """The look that happens now.

    Args:
        cookie: What the last look left, or anything.
        now: Aware UTC.

    Examples:
        >>> first = next_visit("", datetime(2026, 3, 1, 9, tzinfo=UTC))
        >>> next_visit(first.cookie(), datetime(2026, 3, 1, 9, 5, tzinfo=UTC)).since is None
        True
        >>> next_visit(first.cookie(), datetime(2026, 3, 2, 8, tzinfo=UTC)).since.isoformat()
        '2026-03-01T09:00:00+00:00'
    """
    before, last = _times(cookie, now)
    if last is None:
        return Visit(None, now)
    return Visit(before if now - last < _ONE_VISIT else last, now)


def this_visit(cookie: str, now: datetime) -> Visit:
    """The visit that goes on while a page stays open, however long."""
    return Visit(_times(cookie, now)[0], now)


def _times(cookie: str, now: datetime) -> tuple[datetime | None, datetime | None]:
    before, _, last = cookie.partition(".")
    return _time(before, now), _time(last, now)


def _time(text: str, now: datetime) -> datetime | None:
    if not (text.isascii() and text.isdecimal() and len(text) <= 12) or not int(text):
        return None
    seconds = min(int(text), int(now.timestamp()))  # a clock that went back does not hide what comes
    return datetime.fromtimestamp(seconds, UTC)
