"""An answer that is read while it comes: tables out of the log, of any size.

It has a connection of its own, so that others go on meanwhile. An answer that breaks off is an error, never a shorter
table.
"""

import io
from collections.abc import Iterator
from typing import Any, BinaryIO

from interlock.client.connection import Answer, Connection
from interlock.client.errors import error_of


class Body(io.RawIOBase):
    """The body of an answer as a file.

    Args:
        connection: One that nobody else uses; it is closed with the file.
        head: Request line and headers with the blank line.
        body: What follows it.

    Raises:
        InterlockError: As the server says; or ServerUnreachableError.
    """

    def __init__(self, connection: Connection, head: bytes, body: bytes | BinaryIO) -> None:
        super().__init__()
        self._connection, self._left = connection, b""
        try:
            self._answer, self._chunks = connection.stream(head, body)
            if self._answer.status >= 400:
                raise error_of(_whole(self._answer, self._chunks))
        except BaseException:
            self.close()
            raise

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._left = self._left or next(self._chunks, b"")
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size

    def close(self) -> None:
        if not self.closed:
            self._connection.close()
        super().close()


def _whole(answer: Answer, chunks: Iterator[bytes]) -> Answer:
    return Answer(answer.status, answer.headers, b"".join(chunks))
