"""All faults of one request, collected so that a caller mends them in one go."""

from math import isnan
from typing import Any, NoReturn

import msgspec

from interlock.domain.errors import BrokenRule, InvalidInputError

_MOST = 10
_LONGEST = 60


class Faults:
    """Sentences on what is wrong, each with field, value and rule. The first ten are told."""

    __slots__ = ("_rules", "_told", "count")

    def __init__(self) -> None:
        self._told: list[str] = []
        self._rules: dict[BrokenRule, None] = {}
        self.count = 0

    def __bool__(self) -> bool:
        return self.count > 0

    @property
    def is_full(self) -> bool:
        """Whether further ones would only be counted."""
        return self.count >= _MOST

    def add(self, sentence: str, rule: str = "form", field: str = "") -> None:
        """Add one.

        Args:
            rule: See `BrokenRule`.
            field: Of the contract. Never a name that a caller made up.
        """
        self.count += 1
        self._rules[BrokenRule(field, rule)] = None
        if self.count <= _MOST:
            self._told.append(sentence)

    def raise_if_any(self) -> None:
        """Raises InvalidInputError if there is a fault."""
        if self.count:
            self.raise_now()

    def raise_now(self) -> NoReturn:
        raise InvalidInputError(*self._told, rules=tuple(self._rules))


def shown(value: Any) -> str:
    """A value as the caller wrote it, shortened."""
    if isinstance(value, float) and isnan(value):
        return "NaN"
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    try:
        text = msgspec.json.encode(value).decode()
    except (TypeError, ValueError, OverflowError, RecursionError):
        text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
