"""Requests to one of the two ports: the key, the headers, a connection for each thread."""

import io
import threading
from typing import Any, BinaryIO

import msgspec

from interlock.client.connection import Answer, Connection
from interlock.client.errors import error_of
from interlock.client.streaming import Body
from interlock.client.trust import Trust
from interlock.domain.errors import InvalidInputError

_encode = msgspec.json.Encoder(enc_hook=lambda value: value.tolist() if hasattr(value, "tolist") else str(value)).encode
decode = msgspec.json.Decoder().decode


_BUFFER = 1024 * 1024


class Transport:
    """Sends requests to one address. May be shared by threads.

    Args:
        url: `http://host:port` or `https://host:port`.
        api_key: Sent with every request if given.
        timeout_seconds: For each step of an exchange.
        trust: Which certificate is taken for the server's; by default one that the system trusts.
    """

    def __init__(self, url: str, api_key: str | None, timeout_seconds: float, trust: Trust | None = None) -> None:
        self.url, self._timeout, self._trust = url.rstrip("/"), timeout_seconds, trust
        key = clean("API key", api_key) if api_key else b""
        first = Connection(self.url, timeout_seconds, trust)
        self._headers = first.host_header + (b"Authorization: Bearer " + key + b"\r\n" if key else b"")
        self._local = threading.local()
        self._local.connection = first

    def call(self, method: str, path: str, body: Any = None, *, extra: bytes = b"", repeatable: bool = False) -> Answer:
        """Send JSON, get an answer.

        Args:
            extra: Further header lines, each ended.
            repeatable: Whether sending it twice does no harm. GET always may.

        Raises:
            InterlockError: As the server says; or ServerUnreachableError.
        """
        content = b"" if body is None else _encode(body)
        kind = b"" if body is None else b"Content-Type: application/json\r\n"
        head = b"%b %b HTTP/1.1\r\n%b%b%bContent-Length: %d\r\n\r\n" % (
            method.encode(), path.encode(), self._headers, kind, extra, len(content),
        )  # fmt: skip
        return self._finish(self._connection().request(head, content, repeatable=repeatable or method == "GET"))

    def upload(self, path: str, file: BinaryIO, length: int) -> Answer:
        """Stream a file as the raw body of a POST."""
        head = b"POST %b HTTP/1.1\r\n%bContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % (
            path.encode(), self._headers, length,
        )  # fmt: skip
        return self._finish(self._connection().request(head, file, repeatable=False))

    def stream(self, method: str, path: str, body: BinaryIO | None = None, length: int = 0) -> io.BufferedReader:
        """Send a request, with a file as its body if there is one, and read the answer while it comes.

        Raises:
            InterlockError: As the server says; or ServerUnreachableError.
        """
        head = b"%b %b HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n" % (
            method.encode(), path.encode(), self._headers, length,
        )  # fmt: skip
        return io.BufferedReader(Body(Connection(self.url, self._timeout), head, body or b""), _BUFFER)

    def json(self, method: str, path: str, body: Any = None) -> Any:
        """As `call`, with the answer's body decoded."""
        answer = self.call(method, path, body)
        return decode(answer.body) if answer.body else None

    def close(self) -> None:
        """Close this thread's connection."""
        self._connection().close()

    def _connection(self) -> Connection:
        try:
            connection: Connection = self._local.connection
        except AttributeError:
            connection = self._local.connection = Connection(self.url, self._timeout, self._trust)
        return connection

    def _finish(self, answer: Answer) -> Answer:
        if answer.status >= 400:
            raise error_of(answer)
        return answer


def clean(name: str, value: str) -> bytes:
    """A header's value.

    Raises:
        InvalidInputError: It holds a line break or another control character.
    """
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise InvalidInputError(f"{name} holds a control character, must be plain text")
    return value.encode()
