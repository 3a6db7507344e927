from typing import Any, cast

from interlock.gateway.http_protocol import JoinedTransport


class Written:
    """What went over the wire, write by write."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.closed_after: int | None = None

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def close(self) -> None:
        self.closed_after = len(self.writes)

    def is_closing(self) -> bool:
        return self.closed_after is not None


HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


def joined() -> tuple[Any, Written]:
    written = Written()
    return JoinedTransport(cast(Any, written)), written


def test_head_and_body_leave_together() -> None:
    transport, written = joined()
    for body in (b"{}", b"\r\n\r\n", b""):
        transport.write(HEAD)
        transport.write(body)
    assert written.writes == [HEAD + b"{}", HEAD + b"\r\n\r\n", HEAD]


def test_interim_answer_is_not_held_back() -> None:
    transport, written = joined()
    transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert written.writes == [b"HTTP/1.1 100 Continue\r\n\r\n"]


def test_head_without_a_body_leaves_before_the_connection_closes() -> None:
    transport, written = joined()
    transport.write(HEAD)
    transport.close()
    assert written.writes == [HEAD]
    assert written.closed_after == 1
    assert transport.is_closing()
