"""Tensors as raw bytes after the JSON: the binary extension of the Open Inference Protocol, as Triton defines it.

Little-endian, row-major, without padding, in the order of the inputs (outputs). A text is its length in four bytes and
then itself. `tritonclient.http` sends and expects this unless told otherwise.
"""

import struct
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain.errors import InvalidInputError
from interlock.gateway import datatypes

HEADER = b"inference-header-content-length"

RAW = b"0"
"""The header's value where the whole body is one tensor, without any JSON."""

_LENGTH = struct.Struct("<I")


def split(body: bytes, header: bytes | None) -> tuple[bytes, bytes]:
    """Divide a body into its JSON and what follows.

    Args:
        header: The value of `Inference-Header-Content-Length`, if it was sent.

    Raises:
        InvalidInputError: It is no length within the body.
    """
    if header is None:
        return body, b""
    text = header.strip()
    length = int(text) if text.isdigit() and len(text) < 16 else -1
    if not 0 < length <= len(body):
        raise InvalidInputError(
            f"Inference-Header-Content-Length == {header.decode('latin-1')[:30]!r}, must be the length of the JSON, "
            f"1 to {len(body)}"
        )
    return body[:length], body[length:]


def decode(
    name: str, datatype: str, shape: Sequence[int], raw: bytes, *, as_text: bool = True
) -> list[Any] | NDArray[np.generic]:
    """Values of one tensor, flat.

    Args:
        as_text: Whether BYTES are text; images are not.

    Raises:
        InvalidInputError: The bytes are not what datatype and shape say.
    """
    count = prod(shape)
    if datatype == "BYTES":
        parts = _parts(name, count, raw)
        return _texts(name, parts) if as_text else parts
    dtype = datatypes.DTYPES[datatype]
    wanted = count * dtype.itemsize
    if len(raw) != wanted:
        raise InvalidInputError(
            f"{name}: binary_data_size == {len(raw)}, must be {wanted} for {datatype} of shape {list(shape)}"
        )
    if datatype == "BOOL":  # any byte but 0 is true, which numpy's own bool would not survive
        return np.frombuffer(raw, dtype=np.uint8).astype(np.bool_)
    if datatype == "BF16":
        return (np.frombuffer(raw, dtype=dtype).astype(np.uint32) << 16).view(np.float32)
    return np.frombuffer(raw, dtype=dtype)


def _parts(name: str, count: int, raw: bytes) -> list[bytes]:
    parts: list[bytes] = []
    at = 0
    while at < len(raw) and len(parts) <= count:
        end = at + 4 + (_LENGTH.unpack_from(raw, at)[0] if at + 4 <= len(raw) else len(raw))
        if end > len(raw):
            raise InvalidInputError(f"{name}: text {len(parts)} is longer than the binary data that is left")
        parts.append(raw[at + 4 : end])
        at = end
    if len(parts) != count or at != len(raw):
        raise InvalidInputError(f"{name}: binary data does not hold {count} texts")
    return parts


def _texts(name: str, parts: list[bytes]) -> list[str]:
    texts: list[str] = []
    for at, part in enumerate(parts):
        try:
            texts.append(part.decode())
        except UnicodeDecodeError as error:
            raise InvalidInputError(f"{name}[{at}] is not UTF-8 text") from error
    return texts


def text(value: bytes) -> bytes:
    """One text as it stands among others."""
    return _LENGTH.pack(len(value)) + value


def encode(values: NDArray[Any], datatype: str) -> bytes:
    """One tensor as bytes."""
    if datatype != "BYTES":
        return np.ascontiguousarray(values, dtype=datatypes.DTYPES[datatype]).tobytes()
    texts = [str(text).encode() for text in values.ravel().tolist()]
    return b"".join(part for text in texts for part in (_LENGTH.pack(len(text)), text))
