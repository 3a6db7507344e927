"""Sizes of memory as people write them."""

import re

from interlock.domain.errors import InvalidInputError

_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}


def size_bytes(name: str, text: str) -> int:
    """A size like `512M` or `2G`, in powers of 1024.

    Raises:
        InvalidInputError: It is none.

    Examples:
        >>> size_bytes("memory", "2G") == 2 * 1024**3
        True
    """
    found = re.fullmatch(r"(\d{1,15})([KMGT]?)I?B?", text.strip().upper())
    if found is None or int(found[1]) == 0:
        raise InvalidInputError(f"{name} == {text!r}, must be a size like 512M or 2G")
    return int(found[1]) * _UNITS[found[2]]
