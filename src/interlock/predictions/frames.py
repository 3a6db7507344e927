"""Frames of a spool segment: how records stand in a file so that damage to one does not cost the next.

A frame is a mark, the payload's length, its CRC-32, and the payload. Written by the spool, read by the collector and by
recovery. The mark is there for reading on after damage: whatever stands between two whole frames is a gap.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from zlib import crc32

# 0xC1 is the one byte that MessagePack never begins a value with, so payloads seldom hold the mark by chance.
MARK = b"\xc1ILK"
HEAD = struct.Struct("<4sII")


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes between whole frames that are none: `data[start:stop]`."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Frames:
    """What a file holds: payloads with where they start, gaps, and where the last whole frame ends."""

    payloads: list[bytes]
    starts: list[int]
    gaps: list[Gap]
    end: int


def pack(payload: bytes) -> bytes:
    """Make the frame of one payload.

    Examples:
        >>> parse(pack(b"one") + pack(b"two")).payloads
        [b'one', b'two']
    """
    return HEAD.pack(MARK, len(payload), crc32(payload)) + payload


def parse(data: bytes) -> Frames:
    """Read every whole frame, also those behind damage.

    Examples:
        >>> found = parse(pack(b"one") + pack(b"two")[:-1])
        >>> found.payloads, found.gaps
        ([b'one'], [Gap(start=15, stop=29)])
    """
    found = Frames([], [], [], 0)
    position = end = 0
    while position < len(data):
        payload = _payload_at(data, position)
        if payload is None:
            following = next(_whole_frames(data, position + 1), len(data))
            found.gaps.append(Gap(position, following))
            position = following
        else:
            found.payloads.append(payload)
            found.starts.append(position)
            position = end = position + HEAD.size + len(payload)
    return Frames(found.payloads, found.starts, found.gaps, end)


def _payload_at(data: bytes, start: int) -> bytes | None:
    body = start + HEAD.size
    if body > len(data):
        return None
    mark, length, checksum = HEAD.unpack_from(data, start)
    if mark != MARK or body + length > len(data):
        return None
    payload = data[body : body + length]
    return payload if crc32(payload) == checksum else None


def _whole_frames(data: bytes, start: int) -> Iterator[int]:
    position = data.find(MARK, start)
    while position >= 0:
        if _payload_at(data, position) is not None:
            yield position
        position = data.find(MARK, position + 1)
