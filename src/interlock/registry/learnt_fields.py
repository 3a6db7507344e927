"""A field of the contract, learnt from a column of reference data.

Called by `derive`. It refuses types that no model is fed with, and says what a contract file could do about it.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from interlock.domain import times
from interlock.domain.contract import Datatype, Field, Image, Time
from interlock.domain.errors import InvalidInputError
from interlock.registry import reference_values

MOST_IMAGES = 1000
"""Rows that are looked at where there are images: deciles of more hardly change, and each takes milliseconds."""

# A contract file may allow more than is usual.
_ANY = Image(max_bytes=1 << 31, max_pixels=1 << 31)

# Text of more distinct values is free text, or an identifier.
_MOST_CATEGORIES = 200


def learn(name: str, column: pa.ChunkedArray, *, is_pandas_category: bool = False) -> Field:
    """What a column takes.

    Args:
        name: The column's.
        column: Its values; dictionaries are decoded.
        is_pandas_category: Whether it was a dictionary, as pandas' categories are stored.

    Raises:
        InvalidInputError: It has a type that no model is fed with.
    """
    kind = column.type
    if is_image(kind):
        return _image(name, column)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _time(name, column)
    shape: tuple[int, ...] = ()
    if is_list(kind):
        if column.null_count:
            raise InvalidInputError(f"reference column {name!r} lacks {column.null_count} lists; leave those rows out")
        shape, column = _flat(name, column)
    datatype = _datatype(name, column)
    nullable = bool(column.null_count) or _has_nan(column)
    if shape:
        return Field(name=name, datatype=datatype, shape=shape, nullable=nullable)
    if datatype == "BYTES":
        found = _categories(column)
        is_category = is_pandas_category and found is not None
        return Field(name=name, datatype=datatype, nullable=nullable, categories=found, is_category=is_category)
    if datatype == "BOOL":
        return Field(name=name, datatype=datatype)
    low, high = _range(reference_values.numbers(column))
    return Field(name=name, datatype=datatype, nullable=nullable, minimum=low, maximum=high)


def is_list(kind: pa.DataType) -> bool:
    """Whether values of an Arrow type are lists."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def is_image(kind: pa.DataType) -> bool:
    """Whether values of an Arrow type may be encoded images: bytes, or a struct that has `bytes`."""
    if pa.types.is_struct(kind):
        return any(field.name == "bytes" and is_image(field.type) for field in kind)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind))


def _flat(name: str, column: pa.ChunkedArray) -> tuple[tuple[int, ...], pa.ChunkedArray]:
    """The shape of a column's lists, and their values one after the other."""
    shape: list[int] = []
    while is_list(column.type):
        lengths = pc.unique(pc.list_value_length(column)).to_pylist()
        if None in lengths:
            raise InvalidInputError(f"reference column {name!r} has lists that lack lists; leave those rows out")
        shape.append(int(lengths[0]) if len(lengths) == 1 else -1)
        column = pc.list_flatten(column)
    return tuple(shape), column


def _datatype(name: str, column: pa.ChunkedArray) -> Datatype:
    kind = column.type
    if pa.types.is_boolean(kind) and not column.null_count:
        return "BOOL"
    if pa.types.is_integer(kind) and not column.null_count:
        return "INT64"
    if any(test(kind) for test in (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)):
        return "FP64"
    if pa.types.is_null(kind) or pa.types.is_boolean(kind):
        return "FP64"
    if any(test(kind) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)):
        return "BYTES"
    raise InvalidInputError(
        f"reference column {name!r} has type {kind}, must be numbers, booleans, text, dates, timestamps, lists of "
        "numbers or of text, or encoded images"
    )


def _time(name: str, column: pa.ChunkedArray) -> Field:
    kind = column.type
    is_date = bool(pa.types.is_date(kind))
    zone = None if is_date else kind.tz
    if zone is not None and not times.is_zone(zone):
        raise InvalidInputError(
            f"reference column {name!r} has the time zone {zone!r}, must be one by name, like UTC or Europe/Berlin"
        )
    time = Time(is_date=is_date, zone=zone, resolution="us" if is_date else kind.unit)
    low, high = _range(times.seconds(reference_values.microseconds(column)))
    return Field(name=name, datatype="BYTES", nullable=bool(column.null_count), minimum=low, maximum=high, time=time)


def _image(name: str, column: pa.ChunkedArray) -> Field:
    """Of the size that all have, or of any; in colour if one is."""
    files = reference_values.files(name, column.take(evenly(len(column), MOST_IMAGES)))
    shapes = [reference_values.shape_of(name, file, _ANY) for file in files]
    sizes = {shape[:2] for shape in shapes}
    height, width = sizes.pop() if len(sizes) == 1 else (-1, -1)
    channels = max(shape[2] for shape in shapes)
    return Field(name=name, datatype="UINT8", shape=(height, width, channels), image=Image())


def _has_nan(column: pa.ChunkedArray) -> bool:
    return bool(pa.types.is_floating(column.type) and pc.any(pc.is_nan(column)).as_py())


def _categories(column: pa.ChunkedArray) -> tuple[str, ...] | None:
    values = pc.unique(column).drop_null()
    return tuple(sorted(values.to_pylist())) if len(values) <= _MOST_CATEGORIES else None


def _range(values: NDArray[Any]) -> tuple[float | None, float | None]:
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if len(finite) else (None, None)


def evenly(rows: int, most: int) -> NDArray[np.int64]:
    """Which rows to take to have at most `most` of them, evenly spread."""
    return np.arange(rows) if rows <= most else np.linspace(0, rows - 1, most).astype(np.int64)
