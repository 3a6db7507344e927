"""Lengths of time as people type them: `30s`, `5m`, `2h`, `3d`, `1w`."""

import re
from datetime import timedelta

from interlock.domain.errors import InvalidInputError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def duration(name: str, text: str) -> timedelta:
    """Read a length of time.

    Args:
        name: What it is, for the error.
        text: As typed.

    Raises:
        InvalidInputError: It is none.

    Examples:
        >>> duration("silent_after", "5m")
        datetime.timedelta(seconds=300)
    """
    found = re.fullmatch(r"(\d{1,6})([smhdw])", text)
    if found is None:
        raise InvalidInputError(f"{name} == {text!r}, must be like 30s, 5m, 2h, 3d or 1w")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
