"""Columns of reference data as models are fed with them: arrays of the types that the contract says.

Called by `reference`. Where a contract file says another type than the column has, the values must be what it says.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from interlock.domain import image_file, ragged, times
from interlock.domain.contract import Field, Image, Time
from interlock.domain.errors import InvalidInputError
from interlock.domain.image_file import Pixels, UnreadableImageError
from interlock.domain.ports import element_type


def values(field: Field, column: pa.ChunkedArray) -> NDArray[Any]:
    """A column's values.

    Raises:
        InvalidInputError: A value is not what the field says.
    """
    if field.image is not None:
        return _images(field, column)
    if field.shape:
        return _tensors(field, column)
    if field.time is not None:
        return _times(field, field.time, column)
    if field.is_text:
        return np.array(column.cast(pa.string()).to_pylist(), dtype=object)
    try:
        return numbers(column).astype(element_type(field))
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise _misfit(field, column, error) from error


def numbers(column: pa.ChunkedArray) -> NDArray[Any]:
    """Numbers and truth values; missing is NaN."""
    if pa.types.is_integer(column.type) and not column.null_count:
        return np.asarray(column.to_numpy())
    if pa.types.is_null(column.type):
        return np.full(len(column), np.nan)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)


def microseconds(column: pa.ChunkedArray) -> NDArray[np.datetime64]:
    """Dates and timestamps as datetime64[us]; finer digits are cut, missing is NaT."""
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("s"))
    elif column.type.tz is not None:
        column = column.cast(pa.timestamp(column.type.unit))  # the same instant, in UTC
    found = np.asarray(column.to_numpy()).astype(f"datetime64[{column.type.unit}]")
    return found.astype("datetime64[us]")


def files(name: str, column: pa.ChunkedArray) -> list[bytes]:
    """Encoded images.

    Raises:
        InvalidInputError: One is missing.
    """
    if pa.types.is_struct(column.type):
        column = pc.struct_field(column, "bytes")
    if column.null_count:
        raise InvalidInputError(f"reference column {name!r} lacks {column.null_count} images; leave those rows out")
    found: list[bytes] = column.cast(pa.large_binary()).to_pylist()
    return found


def shape_of(name: str, file: bytes, rule: Image) -> tuple[int, int, int]:
    """Height, width and channels of an encoded image.

    Raises:
        InvalidInputError: It is none, or breaks a limit.
    """
    try:
        return image_file.check_head(file, rule)
    except UnreadableImageError as error:
        raise InvalidInputError(f"reference column {name!r}: an image {error}") from error


def _images(field: Field, column: pa.ChunkedArray) -> NDArray[Any]:
    rule = field.image or Image()
    found: list[Pixels] = []
    try:
        for file in files(field.name, column):
            image_file.check_head(file, rule)
            found.append(image_file.fit(image_file.decode(file, rule, field.shape[2]), field))
        return ragged.column(found, np.dtype(np.uint8))
    except UnreadableImageError as error:
        raise InvalidInputError(f"reference column {field.name!r}: an image {error}") from error


def _tensors(field: Field, column: pa.ChunkedArray) -> NDArray[Any]:
    dtype = element_type(field)
    try:
        rows = [np.array(value, dtype=dtype) for value in column.to_pylist()]
    except (ValueError, TypeError, OverflowError) as error:
        raise _misfit(field, column, error) from error
    for at, row in enumerate(rows):
        if len(row.shape) != len(field.shape) or any(
            want not in (-1, have) for want, have in zip(field.shape, row.shape, strict=True)
        ):
            raise InvalidInputError(
                f"reference column {field.name!r}: row {at} has the shape {list(row.shape)}, must have "
                f"{list(field.shape)}"
            )
    return ragged.column(rows, dtype)


def _times(field: Field, time: Time, column: pa.ChunkedArray) -> NDArray[Any]:
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return microseconds(column)
    found = np.full(len(column), np.datetime64("NaT"), dtype="datetime64[us]")
    for at, value in enumerate(column.to_pylist()):
        if value is None or value != value:  # noqa: PLR0124 (NaN)
            continue
        is_whole = isinstance(value, int | float) and float(value).is_integer()
        parsed = times.from_integer(int(value), time) if is_whole else None
        parsed = times.parse(value, time) if isinstance(value, str) else parsed
        if parsed is None:
            rule = times.rule_of(time)
            raise InvalidInputError(f"reference column {field.name!r}: row {at} == {str(value)[:60]!r}, {rule}")
        found[at] = np.datetime64(parsed, "us")
    return found


def _misfit(field: Field, column: pa.ChunkedArray, error: Exception) -> InvalidInputError:
    return InvalidInputError(
        f"reference column {field.name!r} has type {column.type}, which is not {field.datatype}: {str(error)[:120]}"
    )
