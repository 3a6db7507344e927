"""Columns as they stand in a record: raw bytes of arrays, so that neither side touches a value.

Packed by gateways once a batch; unpacked by the collector, which joins the parts of many records before it looks at
them. A part holds one column, or several numbers side by side.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from math import prod
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from interlock.domain.block import Block

# By numpy's character for native types; what is not here has no fixed size. Times are always microseconds.
_DTYPES = {kind: np.dtype(kind).newbyteorder("<").str for kind in "?bBhHiIlLqQefd"} | {"M": "<M8[us]"}

HASHED = "~hash"
"""What the name of a column ends in that holds hashes in the place of values."""

_KNOWN_NAMES = 1024


class Part(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One or more columns of the same type.

    Args:
        names_packed: Names of the columns, whose values stand side by side in each row: a list of texts in MessagePack.
            The same in thousands of records, it is neither written nor read anew for each.
        dtype: Numpy's name of the element type, little-endian; empty where `values` are given.
        shape: Of one value of one column: () for a number.
        data: The values, row by row. Missing is NaN.
        values: One plain value a row, where they have no fixed size: texts (None is missing), lists of any length.
        image_share: Given for images: the share of them that the log keeps. Each value is then the encoded file, or
            a list of height, width, channels and the pixels.
    """

    names_packed: msgspec.Raw
    dtype: str = ""
    shape: tuple[int, ...] = ()
    data: bytes = b""
    values: list[Any] | None = None
    image_share: float | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return _unpacked(bytes(self.names_packed))


class LoggedImage(msgspec.Struct, frozen=True, gc=False):
    """An image as a record has it, and the share of such images that the log keeps."""

    content: bytes | list[Any]
    share: float


def pack(columns: Mapping[str, NDArray[Any]]) -> list[Part]:
    """Columns, as they are fed to models and come from them, as parts."""
    if type(columns) is Block:
        return [Part(_packed(columns.names), "<f8", (), columns.matrix.tobytes())]
    return [_pack(name, values) for name, values in columns.items()]


def pack_values(name: str, values: list[Any]) -> Part:
    """One plain value a row; None is missing."""
    return Part(_packed((name,)), values=values)


def pack_images(name: str, images: Sequence[bytes | NDArray[np.uint8]], share: float) -> Part:
    """Images as they were sent: encoded files, or pixels of shape (height, width, channels)."""
    values = [one if isinstance(one, bytes) else [*one.shape, one.tobytes()] for one in images]
    return Part(_packed((name,)), values=values, image_share=share)


def _pack(name: str, values: NDArray[Any]) -> Part:
    dtype = _DTYPES.get(values.dtype.char)
    if dtype is None:
        return Part(_packed((name,)), values=values.tolist())
    return Part(_packed((name,)), dtype, values.shape[1:], values.tobytes())


@lru_cache(_KNOWN_NAMES)
def _packed(names: tuple[str, ...]) -> msgspec.Raw:
    return msgspec.Raw(msgspec.msgpack.encode(names))


@lru_cache(_KNOWN_NAMES)
def _unpacked(names: bytes) -> tuple[str, ...]:
    return msgspec.msgpack.decode(names, type=tuple[str, ...])


def unpack(parts: Sequence[Part], rows: int) -> Iterator[tuple[str, NDArray[Any] | list[Any]]]:
    """The columns of parts of one layout, one after the other.

    Args:
        rows: How many there are in all.

    Raises:
        ValueError: The parts hold another number of rows.

    Examples:
        >>> one, two = pack({"x": np.array([1.0, 2.0])}), pack({"x": np.array([3.0])})
        >>> [(name, values.tolist()) for name, values in unpack([*one, *two], 3)]
        [('x', [1.0, 2.0, 3.0])]
    """
    first = parts[0]
    names = first.names
    if first.values is not None:
        values = [value for part in parts for value in _values(part)]
        if len(values) != rows:
            raise ValueError(f"{names[0]!r} has {len(values)} values for {rows} rows")
        yield names[0], values
        return
    dtype, width = np.dtype(first.dtype), len(names)
    data = b"".join([part.data for part in parts])
    if len(data) != rows * width * prod(first.shape) * dtype.itemsize:
        raise ValueError(f"{names[:3]} have {len(data)} bytes, which are not {rows} rows")
    array = np.frombuffer(data, dtype).reshape(rows, width, *first.shape)
    for at, name in enumerate(names):
        yield name, array[:, at]


def are_alike(one: Part, other: Part) -> bool:
    """Whether parts can be joined: the same columns of the same type."""
    return (
        one.names_packed == other.names_packed
        and one.dtype == other.dtype
        and one.shape == other.shape
        and (one.values is None) == (other.values is None)
        and (one.image_share is None) == (other.image_share is None)
    )


def _values(part: Part) -> list[Any]:
    values, share = part.values or [], part.image_share
    return values if share is None else [LoggedImage(value, share) for value in values]
