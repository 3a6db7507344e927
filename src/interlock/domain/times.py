"""Dates and times between the forms in which they travel: ISO 8601 text, integers since 1970, microseconds.

Called by the gateway for what callers send, by the registry for contract files, and by runtimes for models that were
trained on text or integers. Finer digits than microseconds are cut, always the same way, so that what the model saw is
what the log keeps. A time without zone is a wall clock's: nothing here ever guesses a zone.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from interlock.domain.contract import Time

Times = NDArray[np.datetime64]
"""datetime64[us]; missing is NaT."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 (a wall clock's)
_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = _EPOCH.date().toordinal()
_DAY_US = 86_400_000_000
_MICROSECOND = timedelta(microseconds=1)

# Microseconds in a unit as a fraction: nanoseconds are a thousandth.
_UNITS = {"d": (_DAY_US, 1), "s": (1_000_000, 1), "ms": (1000, 1), "us": (1, 1), "ns": (1, 1000)}

# What ISO 8601 and Python can say: the years 1 to 9999.
FIRST_US, LAST_US = -62_135_596_800_000_000, 253_402_300_799_999_999
# What a model that was trained on nanoseconds can be given.
_FIRST_NS_US, _LAST_NS_US = -9_223_372_036_854_775, 9_223_372_036_854_775


def parse(text: str, time: Time) -> int | None:
    """Microseconds since 1970 of a text; None if it is not what `rule_of` says."""
    try:
        if time.is_date:
            return (date.fromisoformat(text).toordinal() - _EPOCH_DAY) * _DAY_US
        at = datetime.fromisoformat(text)
        if time.zone is None:
            return None if at.tzinfo is not None or len(text) <= 10 else (at - _EPOCH) // _MICROSECOND
        # Near the years 1 and 9999 an offset leads out of what Python can say.
        return None if at.tzinfo is None else (at - _EPOCH_UTC) // _MICROSECOND
    except (ValueError, OverflowError):
        return None


def from_integer(value: int, time: Time) -> int | None:
    """Microseconds since 1970 of an integer in the field's unit; None if it has no unit, or lies outside the years."""
    if time.unit is None:
        return None
    times, parts = _UNITS[time.unit]
    microseconds = value * times // parts
    return microseconds if is_in_range(microseconds, time) else None


def is_in_range(microseconds: int, time: Time) -> bool:
    """Whether a time can be kept, and given to the model."""
    if time.model_takes == "datetime" and time.resolution == "ns":
        return _FIRST_NS_US <= microseconds <= _LAST_NS_US
    return FIRST_US <= microseconds <= LAST_US


def rule_of(time: Time) -> str:
    """What a value must be, as a message says it."""
    if time.is_date:
        said = "must be a date like 2026-03-01"
    elif time.zone is None:
        said = "must be a time like 2026-03-01T12:00:00, without Z or offset (the contract has no time zone)"
    else:
        said = "must be a time like 2026-03-01T12:00:00Z, with Z or an offset"
    if time.unit is not None:
        said += f", or {_UNIT_NAMES[time.unit]} since 1970 as an integer"
    if time.model_takes == "datetime" and time.resolution == "ns":
        said += "; between the years 1678 and 2261, which the model's nanoseconds hold"
    return said


_UNIT_NAMES = {"d": "days", "s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


def texts(values: Times, time: Time) -> NDArray[np.object_]:
    """Times as ISO 8601: `2026-03-01`, `2026-03-01T12:00:00`, or with a zone `2026-03-01T12:00:00+00:00`, in UTC."""
    found = np.empty(len(values), dtype=object)
    for at, value in enumerate(values.astype("datetime64[us]").tolist()):
        found[at] = None if value is None else _text(value, time)
    return found


def _text(value: Any, time: Time) -> str:
    if time.is_date:
        return str(value.date().isoformat())
    return str((value if time.zone is None else value.replace(tzinfo=UTC)).isoformat())


def integers(values: Times, time: Time) -> NDArray[np.int64]:
    """Times in the field's unit since 1970. None of them may be missing."""
    times, parts = _UNITS[time.unit or "us"]
    return values.astype("datetime64[us]").astype(np.int64) * parts // times


def seconds(values: Times) -> NDArray[np.float64]:
    """Seconds since 1970; missing is NaN. For profiles and ranges."""
    found = values.astype("datetime64[us]").astype(np.int64) / 1e6
    found[np.isnat(values)] = np.nan
    return found


def at_seconds(value: float, time: Time) -> str:
    """The text of a bound that a contract holds as seconds since 1970."""
    return str(texts(np.array([round(value * 1e6)], dtype="datetime64[us]"), time)[0])


def is_zone(name: str) -> bool:
    """Whether a time zone of that name is known here."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
