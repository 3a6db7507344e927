"""Numbers, times and sentences as the pages spell them. Templates have these as filters."""

from datetime import UTC, datetime, timedelta
from math import inf, isfinite

from markupsafe import Markup

NONE = "–"
"""What stands where there is nothing to say: never a zero."""


def count(number: float | None) -> str:
    """Spell a count with thousands apart.

    Examples:
        >>> count(2140), count(None)
        ('2,140', '–')
    """
    return NONE if number is None else f"{number:,.0f}"


def percent(share: float | None) -> str:
    """Spell a share: two significant figures below 10 %.

    Examples:
        >>> percent(0.0411), percent(0.25), percent(0.0), percent(None)
        ('4.1 %', '25 %', '0 %', '–')
        >>> percent(0.00001)
        '<0.01 %'
    """
    if share is None:
        return NONE
    if 0 < share < 0.0001:
        return "<0.01 %"
    return f"{share * 100:.2g} %" if abs(share) < 0.1 else f"{share * 100:.0f} %"


def figure(value: float | None) -> str:
    """Spell a measured value with four significant figures, and no more than it has.

    Examples:
        >>> figure(0.74031), figure(12.0), figure(123456.0), figure(None)
        ('0.7403', '12', '123,456', '–')
    """
    if value is None or not isfinite(value):
        return NONE
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def milliseconds(value: float | None) -> str:
    """Spell a latency.

    Examples:
        >>> milliseconds(0.42), milliseconds(18.04), milliseconds(1234.0), milliseconds(float("inf"))
        ('0.42 ms', '18 ms', '1,234 ms', 'over 2 min')
    """
    if value is None:
        return NONE
    if value == inf:
        return "over 2 min"
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.2g} ms"


def duration(seconds: float) -> str:
    """Spell a length of time in its two largest units.

    Examples:
        >>> duration(42), duration(3 * 3600 + 14 * 60), duration(93_600)
        ('42 s', '3 h 14 min', '1 d 2 h')
    """
    left, words = round(seconds), []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        if left >= size:
            words.append(f"{left // size} {unit}")
            left %= size
    return " ".join(words[:2]) or "0 s"


def moment(at: datetime | str | None, shape: str = "full") -> str:
    """A time: the script of the pages shows it in the reader's zone, hovering shows UTC.

    Args:
        at: Aware, or as ISO 8601.
        shape: `full`, or `day` for a date of event time, which has no zone to move to.
    """
    if at is None:
        return NONE
    at = (datetime.fromisoformat(at) if isinstance(at, str) else at).astimezone(UTC)
    if shape == "day":
        return Markup('<time datetime="{0}">{0}</time>').format(f"{at:%Y-%m-%d}")
    return Markup('<time datetime="{}" title="{} UTC" data-local>{} UTC</time>').format(
        f"{at:%Y-%m-%dT%H:%M:%SZ}", f"{at:%Y-%m-%d %H:%M:%S}", f"{at:%Y-%m-%d %H:%M}"
    )


def hours(length: timedelta) -> str:
    """Spell a window.

    Examples:
        >>> hours(timedelta(days=1)), hours(timedelta(days=7))
        ('24 h', '7 d')
    """
    whole = length // timedelta(hours=1)
    return f"{whole} h" if whole < 48 or whole % 24 else f"{whole // 24} d"


def size(number: float) -> str:
    """Spell bytes, in powers of 1000 as disks are sold.

    Examples:
        >>> size(812), size(4_200_000), size(81_300_000_000)
        ('812 B', '4.2 MB', '81 GB')
    """
    for unit, least in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= least:
            whole = number / least
            return f"{whole:.0f} {unit}" if whole >= 10 else f"{whole:.1f} {unit}"
    return f"{number:.0f} B"


FILTERS = {
    "count": count,
    "percent": percent,
    "figure": figure,
    "milliseconds": milliseconds,
    "duration": duration,
    "moment": moment,
    "hours": hours,
    "size": size,
}
