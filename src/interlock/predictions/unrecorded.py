"""Counts rows that were answered without a record, where a full disk can still be written to.

An endpoint may say that its callers are worth more than its log: then an answer leaves although the disk is full, and
is counted here. The file has its full size from the beginning, so a count needs no space. It survives the process.
Written by the spool, read by whoever makes the log's sums.
"""

import mmap
import os
import struct
from pathlib import Path
from zlib import crc32

import msgspec

NAME = "unrecorded"

# Two halves, written in turn: a process may die in the middle of one.
_HALF = 32 * 1024
_HEAD = struct.Struct("<QII")


class Unrecorded:
    """The counter of one spool.

    Args:
        folder: The spool's folder.

    Raises:
        OSError: The file cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        descriptor = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, 2 * _HALF)
            self._map = mmap.mmap(descriptor, 2 * _HALF)
        finally:
            os.close(descriptor)
        self._generation, self._rows = _newest(bytes(self._map))

    @property
    def rows(self) -> dict[str, int]:
        """Rows ever, by endpoint."""
        return dict(self._rows)

    def add(self, endpoint: str, rows: int) -> None:
        """Count rows of an endpoint."""
        self._rows[endpoint] = self._rows.get(endpoint, 0) + rows
        self._generation += 1
        text = msgspec.json.encode(self._rows)
        start = self._generation % 2 * _HALF
        self._map[start + _HEAD.size : start + _HEAD.size + len(text)] = text
        self._map[start : start + _HEAD.size] = _HEAD.pack(self._generation, len(text), crc32(text))

    def close(self) -> None:
        self._map.close()


def load(folder: Path) -> dict[str, int]:
    """Rows that a spool answered without a record, by endpoint, also while it is in use."""
    try:
        return _newest((folder / NAME).read_bytes())[1]
    except FileNotFoundError:
        return {}


def _newest(data: bytes) -> tuple[int, dict[str, int]]:
    """Generation and counts of the half that was written last, and whole."""
    found: tuple[int, dict[str, int]] = (0, {})
    for start in (0, _HALF):
        generation, length, checksum = _HEAD.unpack_from(data.ljust(2 * _HALF, b"\0"), start)
        text = data[start + _HEAD.size : start + _HEAD.size + length]
        if generation > found[0] and text and crc32(text) == checksum:
            found = generation, msgspec.json.decode(text, type=dict[str, int])
    return found
