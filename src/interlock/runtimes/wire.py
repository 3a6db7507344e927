"""What a gateway and a runner process say to each other: length-prefixed msgpack frames over a Unix socket.

Called by `isolated` and `runner`, which may be different releases of this package one day: the first frame carries the
protocol's version, and a runner refuses one it does not speak.
"""

import socket
import struct
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from interlock.domain.model import ModelVersion
from interlock.domain.ports import Columns
from interlock.runtimes.facts import Facts

PROTOCOL = 3
_LENGTH = struct.Struct("<I")
_MAX_BYTES = 1 << 30


class Column(msgspec.Struct, array_like=True, frozen=True):
    """An array: bytes in C order, or a list where elements are texts."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes = b""
    texts: list[str | None] | None = None


class Load(msgspec.Struct, array_like=True, frozen=True, tag="load"):
    """First frame to the runner: load a version, to be asked."""

    protocol: int
    version: ModelVersion
    artifacts: str


class Loaded(msgspec.Struct, array_like=True, frozen=True, tag="loaded"):
    """The runner can answer; what a person should know about how."""

    warnings: tuple[str, ...] = ()


class Describe(msgspec.Struct, array_like=True, frozen=True, tag="describe"):
    """First frame to the runner: open a model whose contract is not known yet, and say what it is."""

    protocol: int
    version: ModelVersion
    artifacts: str


class Described(msgspec.Struct, array_like=True, frozen=True, tag="described"):
    """What the model is."""

    facts: Facts


class Refused(msgspec.Struct, array_like=True, frozen=True, tag="refused"):
    """The runner cannot load the model, and why."""

    reason: str


class Add(msgspec.Struct, array_like=True, frozen=True, tag="add"):
    """Load a version beside those that are loaded. It is asked by its name; the others are as they were."""

    id: int
    name: str
    version: ModelVersion
    artifacts: str


class Drop(msgspec.Struct, array_like=True, frozen=True, tag="drop"):
    """Forget a model; the answer is `Pong`."""

    id: int
    name: str


class Ask(msgspec.Struct, array_like=True, frozen=True, tag="ask"):
    """A request to the model of a name; without one, to the first."""

    id: int
    columns: dict[str, Column]
    name: str = ""


class Learn(msgspec.Struct, array_like=True, frozen=True, tag="learn"):
    """Rows with their labels: the model answers each, and then learns from it."""

    id: int
    columns: dict[str, Column]
    labels: list[bool | int | float | str]
    name: str = ""


class Learnt(msgspec.Struct, array_like=True, frozen=True, tag="learnt"):
    """What was answered before, and what became of each row (`learning.Lesson`)."""

    id: int
    columns: dict[str, Column]
    status: list[str]


class Save(msgspec.Struct, array_like=True, frozen=True, tag="save"):
    """Write a model to a path as it is now; the answer is `Pong`."""

    id: int
    path: str
    name: str = ""


class Answer(msgspec.Struct, array_like=True, frozen=True, tag="answer"):
    """Its answer."""

    id: int
    columns: dict[str, Column]


class Failed(msgspec.Struct, array_like=True, frozen=True, tag="failed"):
    """The model failed on it; `status` as in `ModelFailedError`."""

    id: int
    status: str
    reason: str


class Ping(msgspec.Struct, array_like=True, frozen=True, tag="ping"):
    """Are you well?"""

    id: int


class Pong(msgspec.Struct, array_like=True, frozen=True, tag="pong"):
    """Yes."""

    id: int


Frame = (
    Load | Describe | Described | Ping | Pong | Loaded | Refused | Ask | Answer | Failed
    | Add | Drop | Learn | Learnt | Save
)  # fmt: skip

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Frame] = msgspec.msgpack.Decoder(Frame)


class ClosedError(Exception):
    """The other side has gone, or speaks nonsense."""


def pack(columns: Columns) -> dict[str, Column]:
    """Columns as they travel."""
    return {name: _pack(values) for name, values in columns.items()}


def unpack(columns: dict[str, Column]) -> dict[str, NDArray[Any]]:
    """Columns as models are fed: arrays that may be written to."""
    return {name: _unpack(column) for name, column in columns.items()}


def send(connection: socket.socket, frame: Frame) -> None:
    """Write one frame.

    Raises:
        ClosedError: The other side has gone.
        TimeoutError: It does not read, within the socket's timeout.
    """
    body = _encoder.encode(frame)
    try:
        connection.sendall(_LENGTH.pack(len(body)) + body)
    except TimeoutError:
        raise
    except OSError as error:
        raise ClosedError(str(error)) from error


def receive(connection: socket.socket) -> Frame:
    """Read one frame.

    Raises:
        ClosedError: The other side has gone, or sent what is no frame.
        TimeoutError: Nothing came within the socket's timeout.
    """
    (length,) = _LENGTH.unpack(_read(connection, _LENGTH.size))
    if length > _MAX_BYTES:
        raise ClosedError(f"a frame of {length} bytes")
    try:
        return _decoder.decode(_read(connection, length))
    except msgspec.MsgspecError as error:
        raise ClosedError(f"not a frame: {error}") from error


def _read(connection: socket.socket, length: int) -> bytearray:
    buffer = bytearray(length)
    view = memoryview(buffer)
    while view:
        try:
            count = connection.recv_into(view)
        except TimeoutError:
            raise
        except OSError as error:
            raise ClosedError(str(error)) from error
        if count == 0:
            raise ClosedError("end of stream")
        view = view[count:]
    return buffer


def _pack(values: NDArray[Any]) -> Column:
    if values.dtype.kind in "OUS":
        texts = [None if value is None else str(value) for value in values.reshape(-1).tolist()]
        return Column("O", values.shape, texts=texts)
    return Column(values.dtype.str, values.shape, np.ascontiguousarray(values).tobytes())


def _unpack(column: Column) -> NDArray[Any]:
    if column.texts is not None:
        return np.array(column.texts, dtype=object).reshape(column.shape)
    return np.frombuffer(bytearray(column.data), dtype=column.dtype).reshape(column.shape)
