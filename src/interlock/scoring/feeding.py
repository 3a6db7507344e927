"""Logged rows as a version is fed with them.

Called by paired scoring. The log's columns are found by the field they hold (their metadata say which), and get the
types of the contract of the version that is asked, not of the one that answered. It refuses rows that the version
cannot be fed with and says why, instead of making values up: what a privacy rule kept out of the log, and images that
were not kept, are never replaced by anything.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from interlock.domain import image_file, ragged
from interlock.domain.contract import Contract, Field
from interlock.domain.errors import InvalidInputError
from interlock.domain.image_file import UnreadableImageError
from interlock.domain.ports import default_column, element_type
from interlock.domain.privacy import withheld_sentence
from interlock.predictions.log_schema import field_name, field_types

ReadImage = Callable[[str], bytes]
"""The content of a kept image by the name that the log has for it, or InvalidInputError."""


class UnfeedableError(ValueError):
    """No row of a table can be fed to a version, and why."""


@dataclass(frozen=True)
class Feed:
    """Rows that can be fed.

    Args:
        columns: By field of the contract. Rows of different shapes make a column of arrays (`domain.ragged`).
        index: Which rows of the table they are.
        reason: Why the others are left out; empty if there are none.
    """

    columns: dict[str, NDArray[np.generic]]
    index: NDArray[np.int64]
    reason: str = ""


@dataclass(frozen=True)
class Complete:
    """Which rows the log has whole, and why it lacks others; empty if it lacks none."""

    rows: NDArray[np.bool_]
    reason: str = ""


def complete(contract: Contract, rows: pa.Table) -> Complete:
    """Find the rows of which the log has every input: no privacy rule kept it out, and its images were kept."""
    whole = np.ones(rows.num_rows, dtype=np.bool_)
    reasons = []
    names = {f"input.{field.name}" for field in contract.inputs}
    if "withheld" in rows.column_names and rows["withheld"].null_count < rows.num_rows:
        lacking = [names & set(withheld or ()) for withheld in rows["withheld"].to_pylist()]
        whole &= np.array([not each for each in lacking], dtype=np.bool_)
        reasons += [withheld_sentence(sorted(set().union(*lacking)))] if any(lacking) else []
    for field in contract.inputs:
        if field.image is not None and (column := _named(field, rows)) is not None:
            kept = np.asarray(column.is_valid())
            reasons += [] if kept[whole].all() else [f"the log did not keep every image of input.{field.name}"]
            whole &= kept
    return Complete(whole, "; ".join(reasons))


def feed(contract: Contract, rows: pa.Table, read_image: ReadImage | None = None) -> Feed:
    """Prepare rows that one version answered for another.

    Args:
        contract: Of the version that is asked.
        rows: With the log's columns.
        read_image: Needed for contracts with images.

    Raises:
        UnfeedableError: The log lacks an input, or holds something else under its name; or a privacy rule kept it out
            of every row.
    """
    logged = complete(contract, rows)
    if rows.num_rows and not logged.rows.any():
        raise UnfeedableError(logged.reason)
    found = {field: _find(field, rows) for field in contract.inputs}
    usable, lacking = logged.rows.copy(), []
    for field, column in found.items():
        if not _may_lack(field) and (gone := ~np.asarray(column.is_valid()) & logged.rows).any():
            # There is no missing whole number, and 0 would be made up.
            usable &= ~gone
            lacking.append(field.name)
    reasons = [logged.reason] if logged.reason else []
    reasons += [f"inputs without value: {', '.join(lacking)}"] if lacking else []
    kept = pa.array(usable)
    columns = {field.name: _values(field, column.filter(kept), read_image) for field, column in found.items()}
    return Feed(columns, np.flatnonzero(usable), "; ".join(reasons))


def _may_lack(field: Field) -> bool:
    if field.time is not None:
        return field.nullable
    return field.is_float or field.is_text or bool(field.shape and field.image is None)


def _named(field: Field, rows: pa.Table) -> pa.ChunkedArray | None:
    named = [number for number, column in enumerate(rows.schema) if field_name(column) == f"input.{field.name}"]
    # Of several columns (the type differs between versions) the answering version filled one.
    return min((rows.column(number) for number in named), key=lambda each: int(each.null_count), default=None)


def _find(field: Field, rows: pa.Table) -> pa.ChunkedArray:
    kind = field_types(Contract(inputs=(field,), outputs=()))[f"input.{field.name}"]
    column = _named(field, rows)
    if column is None:
        if field.is_parameter:
            return pa.chunked_array([pa.array(default_column(field, rows.num_rows).tolist(), kind)])
        if field.nullable:
            return pa.chunked_array([pa.nulls(rows.num_rows, kind)])
        raise UnfeedableError(f"the log lacks input {field.name!r}")
    if field.shape and field.image is None:
        return column
    try:
        return column.cast(kind)
    except pa.ArrowException as error:
        raise UnfeedableError(f"input {field.name!r} is logged as {column.type}: {error}") from error


def _values(field: Field, column: pa.ChunkedArray, read_image: ReadImage | None) -> NDArray[np.generic]:
    if field.image is not None:
        return _images(field, column, read_image)
    if field.shape:
        return _tensors(field, column)
    if field.time is not None:
        stamps = column.cast(pa.timestamp("us")).to_numpy()
        return np.asarray(stamps, dtype=element_type(field))
    if field.is_text:
        values = np.empty(len(column), dtype=np.object_)
        values[:] = column.to_pylist()
        return values
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=element_type(field))


def _tensors(field: Field, column: pa.ChunkedArray) -> NDArray[np.generic]:
    dtype = element_type(field)
    try:
        values = [np.array(value, dtype=dtype) for value in column.to_pylist()]
    except (ValueError, TypeError) as error:
        raise UnfeedableError(f"input {field.name!r} holds tensors that are none") from error
    if any(value.ndim != len(field.shape) for value in values):
        raise UnfeedableError(f"input {field.name!r} holds tensors of other shapes than {list(field.shape)}")
    if not values:
        return np.empty((0, *(max(size, 0) for size in field.shape)), dtype=dtype)
    return ragged.column(values, dtype)


def _images(field: Field, column: pa.ChunkedArray, read: ReadImage | None) -> NDArray[np.generic]:
    if read is None:
        raise UnfeedableError(f"input {field.name!r} is an image, and nothing reads images here")
    try:
        return image_file.column((read(file) for file in column.to_pylist()), field)
    except (InvalidInputError, UnreadableImageError) as error:
        raise UnfeedableError(f"input {field.name!r}: {error}") from error
