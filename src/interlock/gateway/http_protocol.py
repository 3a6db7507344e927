"""One HTTP/1.1 connection: bytes to requests, answers to bytes, in order, within bounds of size and time.

httptools parses. There is no ASGI in between: what its general shape costs is as much as all the rest of a small
request. A request is handed on as soon as its head is complete, so that it can be refused before its body comes; what
has come with it is not waited for.

    idle ──► head comes ──► head complete: handed on ──► body comes ──► answered ──► idle
     │          └─ too large, too slow: 400 or 408, closed (a)  └─ too slow: 408, closed (b)
     └─ nothing for a while: closed (c)                    caller hangs up: the request is cancelled (d)
"""

import asyncio
import zlib
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol
from urllib.parse import unquote

import httptools

from interlock.domain.errors import InvalidInputError, OverloadedError
from interlock.gateway.errors import RefusedError
from interlock.gateway.exchange import Answer

MAX_HEAD_BYTES = 64 * 1024
_LARGE_HEAD = "request line and headers are larger than 64 KiB"

# Bodies that are not asked for yet, or come faster than they are taken: beyond this the socket's own buffer holds them.
_HIGH_WATER_BYTES = 256 * 1024
# A caller that is still sending gets its 413 at once, and the rest is read and thrown away, as most clients read no
# answer before they have sent all. Beyond this the connection is closed instead.
_MOST_THROWN_AWAY = 256 * 1024 * 1024
# Of all requests of a worker together, from their first byte to their answer. Beyond this, whoever sends more is told
# to come again: what a body becomes when it is read takes several times its size.
MOST_BODY_BYTES = 256 * 1024 * 1024
# Requests sent before the answer of the one before them.
_MOST_PIPELINED = 8

HEAD_SECONDS = 10.0
# A body has this long, and more the larger it is: slower callers than these are holding the connection, not using it.
BODY_SECONDS, BODY_BYTES_PER_SECOND = 30.0, 10_000
ANSWER_SECONDS = 30.0
KEEP_ALIVE_SECONDS = 75.0

_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}

# `wbits` of zlib. Deflate is read with its zlib header, as HTTP has it.
_WINDOWS = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}


@dataclass(slots=True)
class Incoming:
    """A request whose head is complete.

    Args:
        path: Unquoted, without the query.
        headers: By lower-case name. Of one that came twice, the last.
        keep_alive: Whether the connection stays open after it.
        began: Time of the event loop at which the head was complete.
        size: Bytes of the body that have come.
        held: Those that are in memory.
        is_over: Its body came when the worker held too many bytes already.
    """

    method: str
    path: str
    headers: dict[bytes, bytes]
    keep_alive: bool
    connection: "HttpConnection"
    began: float
    size: int = 0
    held: int = 0
    is_over: bool = False
    is_complete: bool = False
    is_refused: bool = False
    parts: list[bytes] = field(default_factory=list)
    waiting: "asyncio.Future[None] | None" = None

    async def body(self, limit: int) -> bytes:
        """The complete body, unpacked.

        Args:
            limit: Bytes, packed and unpacked.

        Raises:
            RefusedError: It is too large (413), before it is read if it says so; or packed in an unknown way (415).
            OverloadedError: This worker holds too many bytes already.
        """
        self.check_length(limit)
        while not self.is_complete:
            if self.size > limit or self.is_over:
                break
            await self.connection.more_of(self)
        if self.size > limit:
            raise self._too_large(limit)
        if self.is_over:
            raise OverloadedError("too many large requests are being answered; try again later")
        body = self.parts[0] if len(self.parts) == 1 else b"".join(self.parts)
        packing = self.headers.get(b"content-encoding")
        return body if packing is None or packing == b"identity" else self._unpack(body, packing.lower(), limit)

    def is_slow(self, now: float) -> bool:
        """Whether its body should have come by now."""
        return now - self.began > BODY_SECONDS + self.size / BODY_BYTES_PER_SECOND

    def check_length(self, limit: int) -> None:
        """Raises RefusedError if the body says that it is larger than `limit`."""
        declared = self.headers.get(b"content-length")
        if declared is not None and int(declared) > limit:
            raise self._too_large(limit)

    def _too_large(self, limit: int) -> RefusedError:
        message = f"the body is larger than {limit} bytes; send fewer rows at once"
        return RefusedError(413, "too_large", message)

    def _unpack(self, body: bytes, packing: bytes, limit: int) -> bytes:
        if packing not in _WINDOWS:
            named = packing.decode("latin-1")[:30]
            raise RefusedError(415, "type", f"Content-Encoding == {named!r}, must be gzip, deflate or none")
        unpacker = zlib.decompressobj(_WINDOWS[packing])
        try:
            unpacked = unpacker.decompress(body, limit + 1)
        except zlib.error as error:
            raise InvalidInputError(f"the body is not {packing.decode()} data") from error
        if len(unpacked) > limit:
            raise self._too_large(limit)
        if not unpacker.eof:
            raise InvalidInputError(f"the body is {packing.decode()} data that ends too early")
        return unpacked


class Connections(Protocol):
    """What all connections of a server share."""

    open: set["HttpConnection"]
    is_stopping: bool
    date: bytes
    body_bytes: int

    def is_full(self) -> bool:
        """Whether one more connection would be too many."""


class HttpConnection(asyncio.Protocol):
    """One connection.

    Args:
        handle: Answers a request, and never raises.
        shared: Of the server.
    """

    def __init__(self, handle: Callable[[Incoming], Awaitable[Answer]], shared: Connections) -> None:
        self._handle, self._shared = handle, shared
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport = None  # type: ignore[assignment]  # set when the connection is made
        self._url, self._headers = b"", {}  # type: bytes, dict[bytes, bytes]
        # `_head_bytes` is 0 unless a head has begun.
        self._head_bytes, self._head_size, self._is_in_head, self._has_ended = 0, 0, False, False
        self._reading: Incoming | None = None
        self._answering: Incoming | None = None
        self._task: asyncio.Task[None] | None = None
        self._pipelined: deque[Incoming] = deque()
        self._is_paused = self._is_slow_reader = False
        self._close_soon = False
        self.since = self._loop.time()

    # From the transport.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # a TCP transport
        self._transport = transport
        if self._shared.is_full():
            self._refuse_connection(503, "too many connections")
            return
        self._shared.open.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self._shared.open.discard(self)
        for incoming in (self._reading, self._answering, *self._pipelined):
            if incoming is not None:
                self._let_go(incoming)
        self._pipelined.clear()
        if self._task is not None:
            self._task.cancel()  # (d)

    def data_received(self, data: bytes) -> None:
        self._has_ended = False
        if self._reading is None and self._answering is None and not self._head_bytes:
            self.since = self._loop.time()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # nothing to upgrade to: the request is answered as what it is otherwise
        except httptools.HttpParserError:
            is_large = self._head_size > MAX_HEAD_BYTES
            self._refuse_connection(400, _LARGE_HEAD if is_large else "this is not an HTTP request")
            return
        if self._is_in_head:
            # Of what came with the end of a request, few bytes are of the head that began after it.
            self._head_bytes += 1 if self._has_ended else len(data)
            if self._head_bytes > MAX_HEAD_BYTES:  # (a)
                self._refuse_connection(400, _LARGE_HEAD)

    def eof_received(self) -> None:
        """The caller has sent all; it may still read."""

    def pause_writing(self) -> None:
        self._is_slow_reader = True
        self.since = self._loop.time()

    def resume_writing(self) -> None:
        self._is_slow_reader = False
        self._next()

    # From the parser.

    def on_message_begin(self) -> None:
        self._url, self._headers = b"", {}
        self._is_in_head, self._head_size = True, 0

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._grow(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"host" and name in self._headers:
            raise httptools.HttpParserError("two Host headers")
        self._headers[name] = value
        self._grow(len(name) + len(value) + 4)

    def _grow(self, size: int) -> None:
        """Also of a head that comes in one read with its end."""
        self._head_size += size
        if self._head_size > MAX_HEAD_BYTES:
            raise httptools.HttpParserError(_LARGE_HEAD)

    def on_headers_complete(self) -> None:
        self._is_in_head, self._head_bytes = False, 0
        parser = self._parser
        incoming = Incoming(
            parser.get_method().decode("latin-1"),
            _path(self._url),
            self._headers,
            parser.should_keep_alive(),
            self,
            self._loop.time(),
        )
        self._reading = incoming
        if self._answering is None and not self._is_slow_reader:
            self._begin(incoming)
        else:
            self._pipelined.append(incoming)
            if len(self._pipelined) >= _MOST_PIPELINED:
                self._pause()

    def on_body(self, body: bytes) -> None:
        incoming = self._reading
        if incoming is None:
            return
        incoming.size += len(body)
        if incoming.is_refused:
            if incoming.size > _MOST_THROWN_AWAY:
                self._transport.abort()
            return
        incoming.parts.append(body)
        incoming.held += len(body)
        self._shared.body_bytes += len(body)
        if self._shared.body_bytes > MOST_BODY_BYTES:
            incoming.is_over = True
        if incoming.size > _HIGH_WATER_BYTES and incoming.waiting is None:
            self._pause()
        self._wake(incoming)

    def on_message_complete(self) -> None:
        incoming, self._reading = self._reading, None
        self._has_ended = True
        if incoming is not None:
            incoming.is_complete = True
            self._wake(incoming)

    # Requests in order.

    async def more_of(self, incoming: Incoming) -> None:
        """Wait until there is more of a body, or all of it."""
        if incoming.headers.get(b"expect", b"").lower() == b"100-continue" and not incoming.size:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        incoming.waiting = self._loop.create_future()
        self._resume()
        try:
            await incoming.waiting
        finally:
            incoming.waiting = None

    def _wake(self, incoming: Incoming) -> None:
        if incoming.waiting is not None and not incoming.waiting.done():
            incoming.waiting.set_result(None)

    def _begin(self, incoming: Incoming) -> None:
        self._answering = incoming
        self._task = self._loop.create_task(self._answer(incoming))

    async def _answer(self, incoming: Incoming) -> None:
        answer = await self._handle(incoming)
        self._task = None
        self._write(incoming, answer)

    def _let_go(self, incoming: Incoming) -> None:
        """The body of a request is not needed any more."""
        self._shared.body_bytes -= incoming.held
        incoming.held = 0
        incoming.parts.clear()

    def _write(self, incoming: Incoming, answer: Answer) -> None:
        self._answering = None
        self._let_go(incoming)
        if self._transport.is_closing():
            return
        if not incoming.is_complete:
            incoming.is_refused = True
            declared = incoming.headers.get(b"content-length")
            if declared is None or int(declared) > _MOST_THROWN_AWAY:
                self._close_soon = True
        close = self._close_soon or self._shared.is_stopping or not incoming.keep_alive
        head = [_STATUS_LINES[answer.status], self._shared.date]
        for name, value in answer.headers:
            head += (name, b": ", value, b"\r\n")
        if close:
            head.append(b"connection: close\r\n")
        head.append(b"content-length: %d\r\n\r\n" % len(answer.body))
        head.append(answer.body)
        self._transport.write(b"".join(head))
        self.since = self._loop.time()
        if close:
            self._transport.close()
            return
        self._resume()
        self._next()

    def _next(self) -> None:
        if self._pipelined and self._answering is None and not self._is_slow_reader:
            self._begin(self._pipelined.popleft())

    def _pause(self) -> None:
        if not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._is_paused and not self._transport.is_closing():
            self._is_paused = False
            self._transport.resume_reading()

    # From the server.

    def look_after(self, now: float) -> None:
        """Close what takes too long: (a) heads, (b) bodies, (c) idle callers, and those that do not read."""
        waited = now - self.since
        if self._is_slow_reader:
            if waited > ANSWER_SECONDS:
                self._transport.abort()
        elif self._answering is not None:
            if not self._answering.is_complete and self._answering.is_slow(now):
                self._refuse_connection(408, "the body did not come in time")
        elif self._reading is not None or self._head_bytes:
            if waited > HEAD_SECONDS:
                self._refuse_connection(408, "the request did not come in time")
        elif waited > KEEP_ALIVE_SECONDS:
            self._transport.close()

    def stop(self) -> None:
        """Close after the present answer, or at once if there is none."""
        self._close_soon = True
        if self._answering is None and not self._pipelined:
            self._transport.close()

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        self._transport.abort()

    def _refuse_connection(self, status: int, why: str) -> None:
        """An answer to what is no request, or will not be one; nothing after it."""
        if self._task is not None:
            self._task.cancel()
        body = b'{"error":"%s"}' % why.encode()
        line = _STATUS_LINES[status] + (b"retry-after: 1\r\n" if status == 503 else b"")
        kind = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
        self._transport.write(line + kind + body)
        self._transport.close()


def _path(url: bytes) -> str:
    if b"?" in url or not url.startswith(b"/"):
        url = httptools.parse_url(url).path or b"/"
    path = url.decode("latin-1")
    return unquote(path) if "%" in path else path
