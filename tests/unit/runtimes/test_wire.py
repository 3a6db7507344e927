import socket
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from interlock.runtimes import wire


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.settimeout(5)
    theirs.settimeout(5)
    with ours, theirs:
        yield ours, theirs


@pytest.mark.parametrize(
    "values",
    [
        np.array([1.5, np.nan, -0.0]),
        np.array([2**53 + 1, -1], dtype=np.int64),
        np.array([True, False]),
        np.arange(6.0).reshape(2, 3),
        np.arange(12.0).reshape(3, 4)[:, ::2],
        np.array(["a", None, "ü"], dtype=object),
        np.array([["a", "b"]], dtype=object),
        np.empty(0),
        np.empty((0, 3)),
        np.array([], dtype=object),
    ],
    ids=lambda values: f"{values.dtype}{list(values.shape)}",
)
def test_columns_arrive_as_they_were_sent(pair: tuple[socket.socket, socket.socket], values: NDArray[Any]) -> None:
    ours, theirs = pair
    wire.send(ours, wire.Ask(7, wire.pack({"x": values})))
    frame = wire.receive(theirs)
    assert isinstance(frame, wire.Ask)
    got = wire.unpack(frame.columns)["x"]
    assert (frame.id, got.dtype, got.shape) == (7, values.dtype, values.shape)
    np.testing.assert_array_equal(got, values)
    assert got.flags.writeable


def test_the_end_of_the_stream_is_told(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    ours.sendall(struct.pack("<I", 100) + b"half a frame")
    ours.close()
    with pytest.raises(wire.ClosedError, match="end of stream"):
        wire.receive(theirs)


@pytest.mark.parametrize("body", [b"\xc1nonsense", b"\x92\xa4boom\x01", b""])
def test_what_is_no_frame_is_refused(pair: tuple[socket.socket, socket.socket], body: bytes) -> None:
    ours, theirs = pair
    ours.sendall(struct.pack("<I", len(body)) + body)
    with pytest.raises(wire.ClosedError, match="not a frame"):
        wire.receive(theirs)


def test_an_absurd_length_is_refused_before_memory_is_taken(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    ours.sendall(struct.pack("<I", 2**32 - 1))
    with pytest.raises(wire.ClosedError, match="4294967295"):
        wire.receive(theirs)


def test_silence_is_a_timeout(pair: tuple[socket.socket, socket.socket]) -> None:
    _, theirs = pair
    theirs.settimeout(0.01)
    with pytest.raises(TimeoutError):
        wire.receive(theirs)
