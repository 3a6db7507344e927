"""Times that come back every week in which nobody is told of alerts: the nightly import, the Sunday of the plant.

A window is said in wall-clock time of a place, so that it moves with summer time as the work that it is for does.
"""

import re
from datetime import UTC, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from interlock.domain.errors import InvalidInputError
from interlock.domain.names import check_name

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")
_DAY = timedelta(days=1)


class MaintenanceWindow(msgspec.Struct, frozen=True, kw_only=True):
    """When, every week, nobody is told of an endpoint's alerts. Incidents are kept all the same.

    Args:
        name: Its own.
        endpoint: Whose alerts; empty is all, and those of the server itself.
        weekdays: Days on which it begins, in local time.
        begins, ends: Wall-clock time, `02:00`; an end that is not after the beginning is on the day after. `24:00` is
            midnight at the end of the day.
        time_zone: Of the wall clock, as the IANA names it: `Europe/Berlin`.
        created_at, created_by, reason: Who wants it, and why.
    """

    name: str
    weekdays: tuple[Weekday, ...]
    begins: str
    ends: str
    time_zone: str
    created_at: datetime
    created_by: str
    endpoint: str = ""
    reason: str = ""

    def covers(self, endpoint: str, now: datetime) -> bool:
        """Whether nobody is told of this endpoint's alerts now.

        Args:
            endpoint: Whose; empty is the server itself.
            now: Aware.

        Examples:
            >>> sunday = MaintenanceWindow(name="import", weekdays=("sun",), begins="02:00", ends="04:00",
            ...     time_zone="Europe/Berlin", created_at=datetime(2026, 1, 1, tzinfo=UTC), created_by="ann")
            >>> sunday.covers("flights", datetime(2026, 1, 4, 1, 30, tzinfo=UTC))
            True
            >>> sunday.covers("flights", datetime(2026, 7, 5, 2, 30, tzinfo=UTC))
            False
        """
        if self.endpoint not in ("", endpoint):
            return False
        zone = ZoneInfo(self.time_zone)
        today = now.astimezone(zone).date()
        # The window that began today, or the one that began yesterday and goes on.
        for day in (today, today - _DAY):
            if WEEKDAYS[day.weekday()] in self.weekdays:
                begins = datetime.combine(day, _clock(self.begins), zone)
                last = day if self.ends > self.begins and self.ends != "24:00" else day + _DAY
                ends = datetime.combine(last, _clock(self.ends), zone)
                # In UTC: on the night that the clocks are set back, local times are there twice.
                if begins.astimezone(UTC) <= now < ends.astimezone(UTC):
                    return True
        return False

    @property
    def spelt(self) -> str:
        """When it is, in words."""
        days = "every day" if len(self.weekdays) == len(WEEKDAYS) else f"every {', '.join(self.weekdays)}"
        return f"{days} {self.begins} to {self.ends} in {self.time_zone}"


def check_window(window: MaintenanceWindow) -> None:
    """Refuse a window that cannot be.

    Raises:
        InvalidInputError: All that is wrong with it.
    """
    faults = []
    for kind, name in (("window", window.name), ("endpoint", window.endpoint or "any")):
        try:
            check_name(kind, name)
        except InvalidInputError as error:
            faults.append(str(error))
    if not window.weekdays or set(window.weekdays) - set(WEEKDAYS):
        faults.append(f"weekdays == {', '.join(window.weekdays) or 'none'}, must be some of {', '.join(WEEKDAYS)}")
    for field, value in (("begins", window.begins), ("ends", window.ends)):
        if not _CLOCK.fullmatch(value) or (field == "begins" and value == "24:00"):
            faults.append(f"{field} == {value!r}, must be a time of day like 02:00")
    if window.begins == window.ends:
        faults.append(f"begins and ends are both {window.begins}; a window of a day ends at the minute before")
    try:
        ZoneInfo(window.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        faults.append(f"time_zone == {window.time_zone!r}, must be a name like Europe/Berlin or UTC")
    if faults:
        raise InvalidInputError(*faults)


def _clock(text: str) -> time:
    return time() if text == "24:00" else time.fromisoformat(text)
