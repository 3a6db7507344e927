"""Structs and tables as plain JSON values. Times are ISO 8601 in UTC; numbers that JSON lacks become null."""

import math
from collections.abc import Mapping
from typing import Any

import msgspec


def plain(value: Any) -> Any:
    """Builtin values only."""
    return msgspec.to_builtins(value, enc_hook=str)


def finite(value: Any) -> Any:
    """The same value with NaN and infinity as None, at any depth."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [finite(member) for member in value]
    return value
