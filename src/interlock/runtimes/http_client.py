"""HTTP/1.1 to one server, inside an event loop: connections are kept and used again, answers are bounded in size.

Called by `remote`. It stands on asyncio's streams and httptools, which the gateway's own server parses with: no thread
a request, and no further dependency for the core. It never follows a redirect, and sends nothing that it was not given.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

import httptools

_READ_BYTES = 1 << 16
_HEADER_BYTES = 1 << 16


class HttpError(Exception):
    """The server cannot be reached, hangs up, or does not answer in HTTP or within the limits."""


@dataclass(slots=True)
class HttpAnswer:
    """Status, headers with names in lower case, and the whole body."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)


class HttpClient:
    """Connections to one server. For one event loop at a time.

    Args:
        scheme: `http`, or `https`, whose certificate must be valid.
        host, port: Of the server.
        most_connections: How many at once; further requests wait for one.
    """

    def __init__(self, scheme: str, host: str, port: int, *, most_connections: int = 32) -> None:
        self._host, self._port = host, port
        self._tls = ssl.create_default_context() if scheme == "https" else None
        shown = f"[{host}]" if ":" in host else host
        self._authority = shown if port == {"http": 80, "https": 443}[scheme] else f"{shown}:{port}"
        self._free: list[_Connection] = []
        self._slots = asyncio.Semaphore(most_connections)

    async def ask(
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes = b"", most_bytes: int
    ) -> HttpAnswer:
        """Send one request, wait for its whole answer.

        Args:
            headers: Besides Host, Content-Length and Connection.
            most_bytes: A longer answer is an error.

        Raises:
            HttpError: There is no answer, or one that breaks a rule.
        """
        request = self._encode(method, path, headers, body)
        async with self._slots:
            while self._free:
                # The server may have closed an idle connection; then nothing was done, and it may be sent again.
                answer = await self._exchange(self._free.pop(), request, most_bytes, may_be_stale=True)
                if answer is not None:
                    return answer
            answer = await self._exchange(await self._connect(), request, most_bytes, may_be_stale=False)
            assert answer is not None
            return answer

    async def close(self) -> None:
        """Close what is idle. Requests under way end by themselves."""
        while self._free:
            await self._free.pop().closed()

    def _encode(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
        given = {"Host": self._authority, "Content-Length": str(len(body)), **headers}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items()), "", ""]
        return "\r\n".join(lines).encode("latin-1") + body

    async def _connect(self) -> "_Connection":
        try:
            reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._tls, limit=_HEADER_BYTES)
        except (OSError, ssl.SSLError) as error:
            raise HttpError(f"{self._authority} cannot be reached: {error}") from error
        return _Connection(reader, writer)

    async def _exchange(
        self, connection: "_Connection", request: bytes, most_bytes: int, *, may_be_stale: bool
    ) -> HttpAnswer | None:
        keep = False
        try:
            answer, keep = await connection.exchange(request, most_bytes)
            return answer
        except _HungUpError as error:
            if may_be_stale:
                return None
            raise HttpError(f"{self._authority} hung up without an answer") from error
        except OSError as error:
            raise HttpError(f"{self._authority}: {error}") from error
        finally:
            # Also when cancelled by a deadline: its answer, still to come, must not meet the next request.
            if keep:
                self._free.append(connection)
            else:
                connection.close()


class _HungUpError(Exception):
    """The other side closed before the first byte of an answer."""


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def exchange(self, request: bytes, most_bytes: int) -> tuple[HttpAnswer, bool]:
        """The answer, and whether the connection may be used again."""
        try:
            self._writer.write(request)
            await self._writer.drain()
        except ConnectionError as error:
            raise _HungUpError from error
        collector = _Collector(most_bytes)
        parser = httptools.HttpResponseParser(collector)
        collector.parser = parser
        received = False
        while not collector.complete:
            chunk = await self._read(received=received)
            received = received or bool(chunk)
            if not chunk:
                if received and collector.until_end:
                    return collector.answer, False
                raise HttpError("the server hung up in the middle of its answer")
            _feed(parser, chunk)
        return collector.answer, collector.keep_alive and not collector.extra

    async def _read(self, *, received: bool) -> bytes:
        try:
            chunk = await self._reader.read(_READ_BYTES)
        except ConnectionError as error:
            if received:
                raise
            raise _HungUpError from error
        if not chunk and not received:
            raise _HungUpError
        return chunk

    def close(self) -> None:
        self._writer.close()

    async def closed(self) -> None:
        """Close, and wait until it is."""
        self.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


def _feed(parser: httptools.HttpResponseParser, chunk: bytes) -> None:
    try:
        parser.feed_data(chunk)
    except httptools.HttpParserCallbackError as error:
        cause = error.__context__
        raise cause if isinstance(cause, HttpError) else HttpError(f"not an answer in HTTP: {error}") from None
    except httptools.HttpParserError as error:
        raise HttpError(f"not an answer in HTTP: {error}") from error


class _Collector:
    """What httptools calls while it reads."""

    def __init__(self, most_bytes: int) -> None:
        self.answer, self.complete, self.extra, self.keep_alive = HttpAnswer(), False, False, False
        self.parser: httptools.HttpResponseParser | None = None
        self._most_bytes, self._header_bytes = most_bytes, 0

    @property
    def until_end(self) -> bool:
        """Whether the body ends with the connection, for want of a length."""
        headers = self.answer.headers
        return self.answer.status > 0 and not {"content-length", "transfer-encoding"} & headers.keys()

    def on_message_begin(self) -> None:
        self.extra = self.complete

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > _HEADER_BYTES:
            raise HttpError(f"the server's headers are longer than {_HEADER_BYTES} bytes")
        self.answer.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        assert self.parser is not None
        self.answer.status = self.parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        if len(self.answer.body) + len(body) > self._most_bytes:
            raise HttpError(f"the server's answer is longer than {self._most_bytes} bytes")
        self.answer.body += body

    def on_message_complete(self) -> None:
        # An interim answer (100 Continue, 103 Early Hints) is not the answer.
        if self.answer.status < 200:
            self.answer = HttpAnswer()
            return
        self.complete = True
        assert self.parser is not None
        self.keep_alive = self.parser.should_keep_alive()  # afterwards the parser knows nothing of it any more
