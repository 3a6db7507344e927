"""The protocol against a transport that keeps what is written: requests in, answers out."""

import asyncio
import gzip
from collections.abc import Callable, Coroutine
from typing import Any, cast

import pytest

from interlock.domain.errors import InterlockError, OverloadedError
from interlock.gateway import http_protocol
from interlock.gateway.exchange import Answer
from interlock.gateway.http_protocol import HttpConnection, Incoming
from interlock.gateway.http_server import HttpServer

pytestmark = pytest.mark.anyio

POST = b"POST /a%20b?q=1 HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\n\r\n"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written, self.is_closed, self.is_aborted, self.is_paused = b"", False, False, False

    def write(self, data: bytes) -> None:
        assert not self.is_closed
        self.written += data

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = self.is_aborted = True

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False

    @property
    def answers(self) -> list[bytes]:
        """Bodies, in order."""
        return [part.partition(b"\r\n\r\n")[2] for part in self.written.split(b"HTTP/1.1 ")[1:]]


class Peer:
    """A connection to a server that answers with the path and the body, or as `handle` does."""

    def __init__(self, handle: Callable[[Incoming], Coroutine[Any, Any, Answer]] | None = None) -> None:
        self.server = HttpServer(handle or self.echo)
        self.connection = HttpConnection(handle or self.echo, self.server)
        self.wire = Wire()
        self.connection.connection_made(cast(Any, self.wire))

    async def echo(self, incoming: Incoming) -> Answer:
        try:
            body = await incoming.body(1000) if incoming.method == "POST" else b""
        except InterlockError as error:
            return Answer(str(error).encode(), 413)
        return Answer(incoming.path.encode() + b" " + body)

    async def send(self, *data: bytes) -> Wire:
        for part in data:
            self.connection.data_received(part)
            for _ in range(4):
                await asyncio.sleep(0)
        return self.wire


async def test_request_is_answered_with_one_write_and_the_connection_stays() -> None:
    peer = Peer()
    wire = await peer.send(POST + b"body")
    assert wire.answers == [b"/a b body"]
    assert b"content-length: 9\r\n" in wire.written
    assert b"date: " in wire.written
    await peer.send(POST[:30], POST[30:], b"bo", b"dy")
    assert wire.answers == [b"/a b body", b"/a b body"]
    assert not wire.is_closed


async def test_pipelined_requests_are_answered_in_order() -> None:
    bodies = [b"%04d" % number for number in range(20)]
    wire = await Peer().send(b"".join(POST + body for body in bodies), b"", b"", b"", b"")
    for _ in range(60):
        await asyncio.sleep(0)
    assert wire.answers == [b"/a b " + body for body in bodies]
    assert not wire.is_paused


async def test_connection_closes_when_the_caller_wants_it() -> None:
    wire = await Peer().send(b"GET / HTTP/1.0\r\nHost: here\r\n\r\n")
    assert wire.answers == [b"/ "]
    assert b"connection: close" in wire.written
    assert wire.is_closed


async def test_bodies_of_all_connections_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "MOST_BODY_BYTES", 7)
    may_answer = asyncio.Event()

    async def late(incoming: Incoming) -> Answer:
        try:
            body = await incoming.body(1000)
        except OverloadedError as error:
            return Answer(str(error).encode(), 503)
        await may_answer.wait()
        return Answer(body)

    first, second = Peer(late), Peer(late)
    second.connection = HttpConnection(late, first.server)
    second.connection.connection_made(cast(Any, second.wire))
    await first.send(POST + b"body")
    await second.send(POST, b"bo", b"dy")
    assert second.wire.answers == [b"too many large requests are being answered; try again later"]
    may_answer.set()
    await first.send()
    assert first.wire.answers == []
    assert first.server.body_bytes == 4  # what was thrown away is held by no one
    for _ in range(4):
        await asyncio.sleep(0)
    assert first.wire.answers == [b"body"]
    assert first.server.body_bytes == 0
    await second.send(POST + b"more")
    assert second.wire.answers[1:] == [b"more"]
    assert first.server.body_bytes == 0


async def test_bodies_of_a_caller_who_has_gone_are_let_go() -> None:
    peer = Peer()
    await peer.send(POST + b"bo")
    assert peer.server.body_bytes == 2
    peer.connection.connection_lost(None)
    assert peer.server.body_bytes == 0


async def test_body_is_asked_for_when_the_caller_waits_for_that() -> None:
    peer = Peer()
    wire = await peer.send(POST.replace(b"Host", b"Expect: 100-continue\r\nHost"))
    assert wire.written == b"HTTP/1.1 100 Continue\r\n\r\n"
    await peer.send(b"body")
    assert wire.answers[-1] == b"/a b body"


async def test_too_large_a_body_is_refused_before_it_comes_and_the_rest_is_thrown_away() -> None:
    peer = Peer()
    wire = await peer.send(POST.replace(b": 4", b": 2000"))
    assert b"the body is larger than 1000 bytes" in wire.answers[0]
    await peer.send(b"x" * 2000, POST + b"body")
    assert wire.answers[1] == b"/a b body"


async def test_too_large_a_chunked_body_closes_the_connection() -> None:
    chunked = POST.replace(b"Content-Length: 4", b"Transfer-Encoding: chunked")
    wire = await Peer().send(chunked, b"7d0\r\n" + b"x" * 2000 + b"\r\n")
    assert b"the body is larger than 1000 bytes" in wire.answers[0]
    assert wire.is_closed


async def test_chunked_and_packed_bodies_are_read() -> None:
    packed = gzip.compress(b"body")
    head = POST.replace(b"Content-Length: 4", b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked")
    wire = await Peer().send(head + b"%x\r\n" % len(packed) + packed + b"\r\n0\r\n\r\n")
    assert wire.answers == [b"/a b body"]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01 this is TLS", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 12_000, b"400"),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", b"400"),
    ],
    ids=["no HTTP", "two hosts", "two lengths", "endless headers", "a huge header in one piece"],
)
async def test_what_is_no_request_is_refused_and_the_connection_closed(sent: bytes, status: bytes) -> None:
    wire = await Peer().send(sent)
    assert wire.written.startswith(b"HTTP/1.1 " + status)
    assert wire.is_closed


async def test_large_request_that_comes_in_one_piece_is_no_large_head() -> None:
    async def handle(incoming: Incoming) -> Answer:
        return Answer(b"%d" % len(await incoming.body(1_000_000)))

    large = POST.replace(b": 4", b": 200000") + b"x" * 200_000
    peer = Peer(handle)
    wire = await peer.send(large, large + POST[:20], POST[20:] + b"body")
    assert wire.answers == [b"200000", b"200000", b"4"]


async def test_connection_is_kept_between_requests_for_longer_than_a_head_may_take() -> None:
    now = asyncio.get_running_loop().time()
    peer = Peer()
    await peer.send(POST + b"body")
    peer.connection.look_after(now + http_protocol.HEAD_SECONDS + 5)
    assert not peer.wire.is_closed
    await peer.send(POST + b"body" + POST[:20])
    peer.connection.look_after(now + http_protocol.HEAD_SECONDS + 5)
    assert b"408" in peer.wire.written


async def test_one_connection_too_many_is_asked_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interlock.gateway.http_server.MOST_CONNECTIONS", 0)
    wire = Peer().wire
    assert wire.written.startswith(b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n")
    assert wire.answers == [b'{"error":"too many connections"}']
    assert wire.is_closed


async def test_slow_callers_are_cut_off() -> None:
    now = asyncio.get_running_loop().time()
    idle, in_head, in_body = Peer(), Peer(), Peer()
    await in_head.send(POST[:20])
    await in_body.send(POST, b"b")
    for peer in (idle, in_head, in_body):
        peer.connection.look_after(now + 5)
        assert not peer.wire.is_closed
    in_head.connection.look_after(now + http_protocol.HEAD_SECONDS + 1)
    assert in_head.wire.written.startswith(b"HTTP/1.1 408")
    in_body.connection.look_after(now + http_protocol.BODY_SECONDS + 1)
    assert in_body.wire.written.startswith(b"HTTP/1.1 408")
    idle.connection.look_after(now + http_protocol.KEEP_ALIVE_SECONDS + 1)
    assert [peer.wire.is_closed for peer in (idle, in_head, in_body)] == [True, True, True]


async def test_caller_who_does_not_read_gets_no_more_answers_and_is_cut_off() -> None:
    peer = Peer()
    peer.connection.pause_writing()
    wire = await peer.send(POST + b"body")
    assert wire.written == b""
    peer.connection.look_after(asyncio.get_running_loop().time() + http_protocol.ANSWER_SECONDS + 1)
    assert wire.is_aborted


async def test_request_of_a_caller_who_hangs_up_is_cancelled() -> None:
    was_cancelled = asyncio.Event()

    async def handle(_incoming: Incoming) -> Answer:
        try:
            await asyncio.Event().wait()
        finally:
            was_cancelled.set()
        raise AssertionError

    peer = Peer(handle)
    await peer.send(POST + b"body")
    peer.connection.connection_lost(None)
    await asyncio.wait_for(was_cancelled.wait(), 5)


async def test_body_of_a_caller_who_hangs_up_is_not_waited_for() -> None:
    gone = asyncio.Event()

    async def handle(incoming: Incoming) -> Answer:
        try:
            await incoming.body(1000)
        finally:
            gone.set()
        raise AssertionError

    peer = Peer(handle)
    await peer.send(POST, b"bo")
    peer.connection.connection_lost(None)
    await asyncio.wait_for(gone.wait(), 5)


async def test_stopping_answers_what_is_under_way_and_closes_the_rest() -> None:
    idle, busy = Peer(), Peer()
    await busy.send(POST)
    for peer in (idle, busy):
        peer.connection.stop()
    assert (idle.wire.is_closed, busy.wire.is_closed) == (True, False)
    await busy.send(b"body")
    assert busy.wire.answers == [b"/a b body"]
    assert busy.wire.is_closed
