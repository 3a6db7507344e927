"""JSON bodies: strict first, and a second look at bodies that fail for `NaN` or `Infinity` alone.

Python clients write `NaN` for a missing number, which is not JSON. It is read here so that the contract can decide:
missing where the field may be missing, refused by the field's name elsewhere. Nothing else is forgiven.
"""

import json
import re
from typing import Any, TypeVar

import msgspec

from interlock.domain.errors import InvalidInputError

T = TypeVar("T")

_NOT_NUMBERS = re.compile(rb"\b(?:NaN|Infinity)\b")


def decode(body: bytes, decoder: msgspec.json.Decoder[T], kind: type[T]) -> T:
    """Read a body.

    Raises:
        InvalidInputError: It is not JSON, or not of the shape asked for.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise InvalidInputError(_sentence(error)) from error
    except RecursionError as error:
        raise InvalidInputError("the body is nested too deeply") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _second_look(body, kind, error)


def names(body: bytes) -> frozenset[str]:
    """The names in a body that is a JSON object; none in any other."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return frozenset()
    return frozenset(found) if isinstance(found, dict) else frozenset()


def _second_look(body: bytes, kind: type[T], error: Exception) -> T:
    if not _NOT_NUMBERS.search(body):
        where = "is empty" if not body.strip() else f"is not JSON: {error}"
        raise InvalidInputError(f"the body {where}") from error
    try:
        found: Any = json.loads(body)
        msgspec.json.encode(found)  # refuses text that is not UTF-8, which json.loads lets through
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as again:
        raise InvalidInputError(_sentence(again)) from again
    except (ValueError, RecursionError) as again:
        raise InvalidInputError(f"the body is not JSON: {error}") from again


def _sentence(error: msgspec.ValidationError) -> str:
    return f"the body does not have the right shape: {error}".replace(" - at `$", " at `body")
