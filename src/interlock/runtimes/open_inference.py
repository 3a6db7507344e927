"""The Open Inference Protocol v2 over HTTP, from the side of who asks: metadata, requests, answers.

Called by `remote`. Tensors travel as raw bytes where the server says that it can (Triton's extension), else as JSON. It
refuses answers whose shapes, lengths or types do not add up, and never believes a length that it was told.
"""

import math
import struct
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

LENGTH_HEADER = "Inference-Header-Content-Length"
BINARY_EXTENSION = "binary_tensor_data"

DTYPES: dict[str, type[np.generic]] = {
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
    "BYTES": np.object_,
}
"""Element types by their name in the protocol."""

_TEXT_LENGTH = struct.Struct("<I")


class WrongAnswerError(Exception):
    """The server answered with what is no answer of the protocol."""


class Tensor(msgspec.Struct, frozen=True):
    """What metadata says of an input or output. -1 is any length."""

    name: str
    datatype: str
    shape: tuple[int, ...]


class Metadata(msgspec.Struct, frozen=True):
    """A model's metadata; servers leave out what they do not know."""

    name: str
    versions: tuple[str, ...] | None = None
    platform: str = ""
    inputs: tuple[Tensor, ...] | None = None
    outputs: tuple[Tensor, ...] | None = None


class ServerMetadata(msgspec.Struct, frozen=True):
    """A server's metadata."""

    name: str = ""
    version: str = ""
    extensions: tuple[str, ...] = ()


class _Output(msgspec.Struct, frozen=True):
    name: str
    datatype: str
    shape: tuple[int, ...]
    data: Any = None
    parameters: dict[str, Any] = {}


class _Answer(msgspec.Struct, frozen=True):
    outputs: tuple[_Output, ...]


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Answer)


def encode(tensors: Mapping[str, tuple[str, NDArray[Any]]], *, binary: bool) -> tuple[bytes, dict[str, str]]:
    """A request: its body and its headers.

    Args:
        tensors: Datatype and values by name, each of its own shape.
        binary: Whether the server takes raw bytes. A text that is missing can be sent as JSON only.

    Raises:
        ValueError: A value does not fit its datatype.
    """
    inputs, raws = [], []
    for name, (datatype, values) in tensors.items():
        given: dict[str, Any] = {"name": name, "datatype": datatype, "shape": list(values.shape)}
        fitting = _fitting(name, datatype, values)
        raw = _to_bytes(fitting) if binary else None
        if raw is None:
            given["data"] = _to_json(fitting)
        else:
            given["parameters"] = {"binary_data_size": len(raw)}
            raws.append(raw)
        inputs.append(given)
    request: dict[str, Any] = {"inputs": inputs}
    if binary:
        request["parameters"] = {"binary_data_output": True}
    head = _encoder.encode(request)
    if not raws:
        return head, {"Content-Type": "application/json"}
    return b"".join((head, *raws)), {"Content-Type": "application/octet-stream", LENGTH_HEADER: str(len(head))}


def decode(body: bytes, header_length: str | None) -> dict[str, NDArray[Any]]:
    """Tensors of an answer by name.

    Args:
        header_length: The value of `LENGTH_HEADER`, if it was sent.

    Raises:
        WrongAnswerError: It is none.
    """
    head, rest = _split(body, header_length)
    try:
        answer = _decoder.decode(head)
    except msgspec.MsgspecError as error:
        raise WrongAnswerError(f"the answer is not of the protocol: {error}") from error
    found: dict[str, NDArray[Any]] = {}
    for output in answer.outputs:
        size = output.parameters.get("binary_data_size")
        if size is None:
            found[output.name] = _from_json(output)
            continue
        if not isinstance(size, int) or not 0 <= size <= len(rest):
            raise WrongAnswerError(f"{output.name}: binary_data_size == {size!r}, which the answer does not hold")
        found[output.name] = _from_bytes(output, rest[:size])
        rest = rest[size:]
    return found


def error_of(body: bytes) -> str:
    """What an answer with an error says, in one line."""
    try:
        said = msgspec.json.decode(body)
    except msgspec.MsgspecError:
        said = bytes(body[:300]).decode(errors="replace")
    text = str(said.get("error") or said.get("detail") or said) if isinstance(said, dict) else str(said)
    return " ".join(text.split())[:200]


def _split(body: bytes, header_length: str | None) -> tuple[bytes, memoryview]:
    if header_length is None:
        return body, memoryview(b"")
    text = header_length.strip()
    length = int(text) if text.isdecimal() and len(text) < 16 else -1
    if not 0 < length <= len(body):
        raise WrongAnswerError(f"{LENGTH_HEADER} == {text[:30]!r}, must be the length of the JSON")
    return body[:length], memoryview(body)[length:]


def _fitting(name: str, datatype: str, values: NDArray[Any]) -> NDArray[Any]:
    dtype = DTYPES[datatype]
    if dtype is np.object_ or values.dtype == dtype:
        return values
    fitting = values.astype(dtype)
    if fitting.dtype.kind in "iu" and not np.array_equal(fitting.astype(np.float64), values.astype(np.float64)):
        raise ValueError(f"{name} holds a value that is no {datatype}")
    return fitting


def _to_bytes(values: NDArray[Any]) -> bytes | None:
    if values.dtype != np.object_:
        return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")).tobytes()
    texts = values.reshape(-1).tolist()
    if any(text is None for text in texts):
        return None
    encoded = [str(text).encode() for text in texts]
    return b"".join(part for text in encoded for part in (_TEXT_LENGTH.pack(len(text)), text))


def _to_json(values: NDArray[Any]) -> list[Any]:
    flat: list[Any] = values.reshape(-1).tolist()
    if values.dtype.kind != "f" or np.isfinite(values).all():
        return flat
    return [value if math.isfinite(value) else None for value in flat]


def _from_json(output: _Output) -> NDArray[Any]:
    flat = _flat(output.data)
    dtype = _dtype(output)
    _check_count(output, len(flat))
    if dtype is np.object_:
        return np.array([None if one is None else str(one) for one in flat], dtype=object).reshape(output.shape)
    try:
        given = np.array([np.nan if one is None else one for one in flat], dtype=None if flat else dtype)
        return given.astype(dtype, casting="unsafe" if given.dtype.kind in "biuf" else "no").reshape(output.shape)
    except (ValueError, TypeError, OverflowError) as error:
        raise WrongAnswerError(f"{output.name}: the data is not {output.datatype}") from error


def _flat(data: Any) -> list[Any]:
    if not isinstance(data, list):
        raise WrongAnswerError("an output has neither data nor binary_data_size")
    flat: list[Any] = data
    while flat and isinstance(flat[0], list):
        if not all(isinstance(one, list) for one in flat):
            raise WrongAnswerError("an output's data is nested unevenly")
        flat = [value for one in flat for value in one]
    return flat


def _from_bytes(output: _Output, raw: memoryview) -> NDArray[Any]:
    dtype = _dtype(output)
    if dtype is np.object_:
        texts = _texts(output, raw)
        return np.array(texts, dtype=object).reshape(output.shape)
    size = np.dtype(dtype).itemsize
    _check_count(output, len(raw) // size if len(raw) % size == 0 else -1)
    little = np.dtype(dtype).newbyteorder("<")
    return np.frombuffer(raw, dtype=little).astype(dtype).reshape(output.shape)


def _texts(output: _Output, raw: memoryview) -> list[str]:
    texts, at = [], 0
    while at < len(raw):
        if at + _TEXT_LENGTH.size > len(raw):
            raise WrongAnswerError(f"{output.name}: a text is cut off")
        (length,) = _TEXT_LENGTH.unpack_from(raw, at)
        at += _TEXT_LENGTH.size
        if at + length > len(raw):
            raise WrongAnswerError(f"{output.name}: a text is cut off")
        texts.append(bytes(raw[at : at + length]).decode(errors="replace"))
        at += length
    _check_count(output, len(texts))
    return texts


def _dtype(output: _Output) -> type[np.generic]:
    if output.datatype not in DTYPES:
        raise WrongAnswerError(f"{output.name}: datatype == {output.datatype!r}, which is not known")
    return DTYPES[output.datatype]


def _check_count(output: _Output, count: int) -> None:
    if any(size < 0 for size in output.shape) or count != math.prod(output.shape):
        raise WrongAnswerError(f"{output.name}: the data does not fill its shape {list(output.shape)}")
