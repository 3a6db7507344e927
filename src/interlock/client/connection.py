"""One HTTP/1.1 connection that stays open, because a prediction takes less time than `http.client` does.

Measured on two cores: `http.client` costs its caller 105 microseconds a request, most of it in the parser of headers;
this, with llhttp through httptools, about 20. It knows what Interlock's own servers send and no more: no redirects, no
proxies, no compression.
"""

import itertools
import select
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO
from urllib.parse import urlsplit

import httptools

from interlock.client.trust import Trust, by_authority
from interlock.domain.errors import InvalidInputError, ServerUnreachableError

_CHUNK = 256 * 1024


@dataclass(slots=True)
class Answer:
    """A response. Header names are lower case."""

    status: int = 0
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""

    def header(self, name: bytes) -> str | None:
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")


class _Collector:
    """Callbacks of the parser."""

    __slots__ = ("answer", "chunks", "complete", "has_headers")

    def __init__(self) -> None:
        self.answer, self.chunks, self.complete, self.has_headers = Answer(), list[bytes](), False, False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.answer.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        self.has_headers = True

    def on_body(self, body: bytes) -> None:
        self.chunks.append(body)

    def on_message_complete(self) -> None:
        self.complete = True


class Connection:
    """A connection to one address. Not for several threads at once.

    Args:
        url: `http://host:port` or `https://host:port`.
        timeout_seconds: How long to wait for any one step.
        trust: Which certificate is taken; by default one that the system trusts.
    """

    def __init__(self, url: str, timeout_seconds: float, trust: Trust | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidInputError(f"server == {url!r}, must be an address like http://127.0.0.1:8081")
        is_secure = parts.scheme == "https"
        self.url = f"{parts.scheme}://{parts.netloc}"
        self.host_header = f"Host: {parts.netloc}\r\n".encode()
        self._address = (parts.hostname, parts.port or (443 if is_secure else 80))
        self._timeout = timeout_seconds
        self._trust = (trust or by_authority(None)) if is_secure else None
        self._socket: socket.socket | None = None

    def request(self, head: bytes, body: bytes | BinaryIO, *, repeatable: bool) -> Answer:
        """Send a request and read its answer.

        Args:
            head: Request line and headers with the blank line.
            body: What follows it: bytes, or a file that is streamed.
            repeatable: Whether it may be sent again if a kept connection turns out to be dead before any answer.

        Raises:
            ServerUnreachableError: No one answers, or the connection broke.
        """
        kept = self._usable()
        try:
            return self._exchange(head, body)
        except _SilentError as error:
            if not (kept and repeatable):
                raise ServerUnreachableError(f"{self.url} closed the connection without an answer") from error
        return self._exchange_anew(head, body)

    def stream(self, head: bytes, body: bytes | BinaryIO) -> tuple[Answer, Iterator[bytes]]:
        """Send a request, and give what comes as it comes.

        Args:
            head, body: As for `request`.

        Returns:
            The answer without its body, and the chunks of that.

        Raises:
            ServerUnreachableError: No one answers, or the connection broke; the chunks may raise it too.
        """
        self._usable()
        listener = _Collector()
        parser = httptools.HttpResponseParser(listener)
        chunks = self._received(head, body, listener, parser)
        first = next(chunks)
        return Answer(parser.get_status_code(), listener.answer.headers), itertools.chain(
            [first] if first else [], chunks
        )

    def _received(
        self, head: bytes, body: bytes | BinaryIO, listener: _Collector, parser: httptools.HttpResponseParser
    ) -> Iterator[bytes]:
        """First an empty one, when the headers are there."""
        sock = self._socket
        if sock is None:
            raise ServerUnreachableError(f"{self.url} closed the connection without an answer")
        try:
            self._send(sock, head, body)
            is_begun = False
            while not listener.complete:
                data = sock.recv(65536)
                if not data:
                    where = "in the middle of an answer" if is_begun else "without an answer"
                    raise ServerUnreachableError(f"{self.url} broke off {where}")
                parser.feed_data(data)
                if listener.has_headers:
                    found, listener.chunks = b"".join(listener.chunks), []
                    if found or not is_begun:
                        is_begun = True
                        yield found
        except TimeoutError as error:
            raise ServerUnreachableError(f"{self.url} did not answer within {self._timeout:g} s") from error
        except OSError as error:
            raise ServerUnreachableError(f"{self.url} broke off ({error.strerror or error})") from error
        except httptools.HttpParserError as error:
            raise ServerUnreachableError(f"what answers at {self.url} does not speak HTTP") from error

    def close(self) -> None:
        """Close it; the next request opens it again."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __del__(self) -> None:
        # A thread that ends leaves its connection behind; nobody else can close it.
        if getattr(self, "_socket", None) is not None:
            self.close()

    def _usable(self) -> bool:
        if self._socket is not None and _has_something(self._socket):
            self.close()  # something to read before asking: it was closed at the other end
        if self._socket is not None:
            return True
        try:
            self._socket = socket.create_connection(self._address, timeout=self._timeout)
        except OSError as error:
            raise ServerUnreachableError(
                f"no Interlock answers at {self.url} ({error.strerror or error}); start one with `interlock up`"
            ) from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._trust is not None:
            plain, self._socket = self._socket, None
            self._socket = self._trust.secure(plain, self._address[0])
        return False

    def _exchange_anew(self, head: bytes, body: bytes | BinaryIO) -> Answer:
        self._usable()
        try:
            return self._exchange(head, body)
        except _SilentError as error:
            raise ServerUnreachableError(f"{self.url} closed the connection without an answer") from error

    def _exchange(self, head: bytes, body: bytes | BinaryIO) -> Answer:
        if self._socket is None:
            raise _SilentError
        finished = False
        try:
            self._send(self._socket, head, body)
            answer = self._receive(self._socket)
            finished = answer.header(b"connection") != "close"
            return answer
        except TimeoutError as error:
            raise ServerUnreachableError(f"{self.url} did not answer within {self._timeout:g} s") from error
        except httptools.HttpParserError as error:
            raise ServerUnreachableError(f"what answers at {self.url} does not speak HTTP") from error
        finally:
            if not finished:
                self.close()

    def _send(self, sock: socket.socket, head: bytes, body: bytes | BinaryIO) -> None:
        try:
            if isinstance(body, bytes):
                sock.sendall(head + body)
                return
            sock.sendall(head)
            for chunk in _chunks(body):
                sock.sendall(chunk)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
            pass  # it may have answered before it read everything (413); reading tells

    def _receive(self, sock: socket.socket) -> Answer:
        collector = _Collector()
        parser = httptools.HttpResponseParser(collector)
        heard = False
        while not collector.complete:
            try:
                data = sock.recv(65536)
            except (ConnectionResetError, ssl.SSLEOFError):
                data = b""
            if not data:
                if heard:
                    raise ServerUnreachableError(f"{self.url} broke off in the middle of an answer")
                raise _SilentError
            heard = True
            parser.feed_data(data)
        collector.answer.status = parser.get_status_code()
        collector.answer.body = b"".join(collector.chunks)
        return collector.answer


class _SilentError(Exception):
    """The connection ended before any byte of an answer."""


def _chunks(body: BinaryIO) -> Iterator[bytes]:
    while chunk := body.read(_CHUNK):
        yield chunk


def _has_something(connection: socket.socket) -> bool:
    """Whether there is something to read. By `poll`: `select` takes no descriptor above 1023."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))
