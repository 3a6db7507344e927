"""When something happened in the world, as callers write it: ISO 8601 with an offset."""

from datetime import UTC, datetime
from typing import Any

from interlock.domain.access import Key
from interlock.domain.errors import ForbiddenError, InvalidInputError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
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


def event_times(given: Any, rows: int, key: Key) -> list[int] | None:
    """The times in a request's `event_at`: None if there is none, else one for all rows or one a row.

    Raises:
        ForbiddenError: The key may not say when something happened.
        InvalidInputError: Not times, or not one a row.
    """
    if given is None:
        return None
    if not key.may("backdate"):
        raise ForbiddenError(f"key {key.name!r} may not set event_at; create it with --allow backdate")
    if not isinstance(given, list):
        return [microseconds("event_at", given)]
    if len(given) not in (1, rows):
        raise InvalidInputError(
            f"event_at has {len(given)} times, must have one for all or one for each of {rows} rows"
        )
    return [microseconds(f"event_at[{row}]", text) for row, text in enumerate(given)]
