"""Identifiers of predictions: UUIDv7, made in the worker, rising within it.

Called once a request. The standard library has none before Python 3.14, and `uuid4` costs a system call each.
"""

import os
import time

# Random numbers fetched at a time: a system call each would cost more, many at once would be felt.
_BATCH = 64
_VARIANT = 0x2 << 62
_RANDOM = (1 << 62) - 1


class PredictionIds:
    """A source of UUIDv7: 48 bits of milliseconds, 12 of their fraction (RFC 9562, method 3), 62 random.

    Examples:
        >>> first, second = PredictionIds().take(2)
        >>> first < second
        True
    """

    __slots__ = ("_last", "_tails")

    def __init__(self) -> None:
        self._last = 0
        self._tails: list[str] = []

    def take(self, count: int) -> list[str]:
        """The next `count` identifiers, each greater than all before it."""
        # In 4096ths of a millisecond. A clock that stands or goes back does not stop the ids from rising.
        tick = max(time.time_ns() * 4096 // 1_000_000, self._last + 1)
        self._last = tick + count - 1
        return [self._format(tick + offset) for offset in range(count)]

    def _format(self, tick: int) -> str:
        if not self._tails:
            noise = os.urandom(8 * _BATCH)
            self._tails = [_tail(noise[at : at + 8]) for at in range(0, len(noise), 8)]
        milliseconds = f"{tick >> 12:012x}"
        return f"{milliseconds[:8]}-{milliseconds[8:]}-7{tick & 0xFFF:03x}{self._tails.pop()}"


def _tail(noise: bytes) -> str:
    text = f"{_VARIANT | int.from_bytes(noise, 'big') & _RANDOM:016x}"
    return f"-{text[:4]}-{text[4:]}"
