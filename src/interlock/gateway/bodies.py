"""Request bodies: never more in memory than allowed, unpacked if they came packed."""

import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from interlock.domain.errors import InvalidInputError
from interlock.gateway.errors import RefusedError

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

# `wbits` of zlib. Deflate is read with its zlib header, as HTTP has it.
_WINDOWS = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}

# A caller that is still sending gets its 413 at once, and the rest is read and thrown away, as most clients read no
# answer before they have sent all. Beyond this the connection is closed instead.
_MOST_THROWN_AWAY = 256 * 1024 * 1024


class ClientGoneError(Exception):
    """The caller hung up before its request was complete."""


async def read_body(receive: Receive, headers: dict[bytes, bytes], limit: int) -> bytes:
    """The complete body, unpacked.

    Args:
        limit: Bytes, packed and unpacked.

    Raises:
        RefusedError: It is too large (413), before it is read if it says so; or packed in an unknown way (415).
        ClientGoneError: The caller hung up.
    """
    check_length(headers, limit)
    message = await receive()
    if message["type"] != "http.request":
        raise ClientGoneError
    body: bytes = message.get("body", b"")
    if message.get("more_body", False):
        body = await _rest(receive, body, limit)
    if len(body) > limit:
        raise _too_large(limit, close=True)
    packing = headers.get(b"content-encoding")
    return body if packing is None or packing == b"identity" else _unpack(body, packing.lower(), limit)


def check_length(headers: dict[bytes, bytes], limit: int) -> None:
    """Raises RefusedError if the body says that it is larger than `limit`."""
    declared = headers.get(b"content-length")
    if declared is not None and int(declared) > limit:
        raise _too_large(limit, close=int(declared) > _MOST_THROWN_AWAY)


async def _rest(receive: Receive, start: bytes, limit: int) -> bytes:
    parts, size = [start], len(start)
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGoneError
        part = message.get("body", b"")
        parts.append(part)
        size += len(part)
        if size > limit:
            raise _too_large(limit, close=True)
        more = message.get("more_body", False)
    return b"".join(parts)


def _unpack(body: bytes, packing: bytes, limit: int) -> bytes:
    if packing not in _WINDOWS:
        named = packing.decode("latin-1")[:30]
        raise RefusedError(415, "type", f"Content-Encoding == {named!r}, must be gzip, deflate or none")
    unpacker = zlib.decompressobj(_WINDOWS[packing])
    try:
        unpacked = unpacker.decompress(body, limit + 1)
    except zlib.error as error:
        raise InvalidInputError(f"the body is not {packing.decode()} data") from error
    if len(unpacked) > limit:
        raise _too_large(limit, close=False)
    if not unpacker.eof:
        raise InvalidInputError(f"the body is {packing.decode()} data that ends too early")
    return unpacked


def _too_large(limit: int, *, close: bool) -> RefusedError:
    headers = [(b"connection", b"close")] if close else []
    return RefusedError(413, "too_large", f"the body is larger than {limit} bytes; send fewer rows at once", headers)
