"""When something happened in the world, as callers write it: ISO 8601 with an offset."""

from datetime import UTC, datetime
from typing import Any

from interlock.domain.access import Key
from interlock.domain.errors import ForbiddenError, InvalidInputError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_AHEAD_US = 24 * 3_600 * 1_000_000
_RULE = "must be a time like 2026-03-01T12:00:00Z, with Z or an offset"


def microseconds(name: str, text: Any) -> int:
    """Microseconds since 1970 UTC.

    Raises:
        InvalidInputError: It is not ISO 8601 with an offset.
    """
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError("no offset")
        since = at - _EPOCH
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInputError(f"{name} == {str(text)[:60]!r}, {_RULE}") from error
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def event_times(given: Any, rows: int, key: Key, now_us: int) -> list[int] | None:
    """The times in a request's `event_at`: None if there is none, else one for all rows or one a row.

    Raises:
        ForbiddenError: The key may not say when something happened.
        InvalidInputError: Not times, not one a row, or so far off that every window of monitoring would move.
    """
    if given is None:
        return None
    if not key.may("backdate"):
        raise ForbiddenError(f"key {key.name!r} may not set event_at; create it with --allow backdate")
    if not isinstance(given, list):
        return [plausible("event_at", given, now_us)]
    if len(given) not in (1, rows):
        raise InvalidInputError(
            f"event_at has {len(given)} times, must have one for all or one for each of {rows} rows"
        )
    return [plausible(f"event_at[{row}]", text, now_us) for row, text in enumerate(given)]


def event_time_of_refused(given: Any, key: Key, now_us: int) -> int | None:
    """When a refused request happened, as far as it can be told: the time of its first row, if its key may say it."""
    first = given[0] if isinstance(given, list) and given else given
    if first is None or not key.may("backdate"):
        return None
    try:
        return plausible("event_at", first, now_us)
    except InvalidInputError:
        return None


def plausible(name: str, text: Any, now_us: int) -> int:
    """Microseconds since 1970 UTC of a time that can be.

    Raises:
        InvalidInputError: It is no time, or so far ahead that every later comparison with it would be wrong.
    """
    at = microseconds(name, text)
    if not 0 <= at <= now_us + _MOST_AHEAD_US:
        raise InvalidInputError(
            f"{name} == {str(text)[:60]!r}, must be after 1970 and at most 24 hours ahead of the server's clock"
        )
    return at
