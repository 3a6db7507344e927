"""Packs answers for callers who ask for it, where it pays: `Accept-Encoding: gzip` or `deflate`."""

import asyncio
import zlib

from interlock.gateway.exchange import Answer

# Below this a packet is not saved; above the second, packing would hold the event loop for milliseconds.
_LEAST_BYTES = 1400
_MOST_IN_LOOP = 32 * 1024

# Numbers in JSON pack to a third at the fastest level, and hardly better at any other.
_LEVEL = 1

_WINDOWS = {b"gzip": 31, b"deflate": 15}


def is_worth_it(answer: Answer) -> bool:
    """Whether packing could make the answer quicker to send."""
    return len(answer.body) >= _LEAST_BYTES


async def pack(answer: Answer, accepted: bytes) -> None:
    """Pack the body in the first way that the caller accepts, if there is one.

    Args:
        accepted: The value of `Accept-Encoding`.
    """
    way = next((way for way in _ways(accepted) if way in _WINDOWS), None)
    if way is None:
        return
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOWS[way])
    if len(answer.body) <= _MOST_IN_LOOP:
        answer.body = packer.compress(answer.body) + packer.flush()
    else:
        answer.body = await asyncio.to_thread(lambda body: packer.compress(body) + packer.flush(), answer.body)
    answer.headers += [(b"content-encoding", way), (b"vary", b"accept-encoding")]


def _ways(accepted: bytes) -> list[bytes]:
    """The ways named, without those refused by `q=0`."""
    ways = []
    for part in accepted.lower().split(b","):
        way, _, quality = part.partition(b";")
        if quality.strip().replace(b" ", b"") not in (b"q=0", b"q=0.0"):
            ways.append(way.strip())
    return ways
