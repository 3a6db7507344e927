"""Logged rows as a version is fed with them.

Called by paired scoring. The log's columns are found by the field they hold (their metadata say which), and get the
types of the contract of the version that is asked, not of the one that answered. It refuses rows that the version
cannot be fed with and says why, instead of making values up.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Field
from interlock.predictions.log_schema import field_name

_ELEMENTS: dict[str, Any] = {
    "BOOL": np.bool_,
    "INT32": np.int64,
    "INT64": np.int64,
    "FP32": np.float64,
    "FP64": np.float64,
    "BYTES": np.object_,
}
_ARROW = {
    "BOOL": pa.bool_(),
    "INT32": pa.int64(),
    "INT64": pa.int64(),
    "FP32": pa.float64(),
    "FP64": pa.float64(),
    "BYTES": pa.string(),
}


class UnfeedableError(ValueError):
    """No row of a table can be fed to a version, and why."""


@dataclass(frozen=True)
class Feed:
    """Rows that can be fed.

    Args:
        columns: By field of the contract.
        index: Which rows of the table they are.
        reason: Why the others are left out; empty if there are none.
    """

    columns: dict[str, NDArray[Any]]
    index: NDArray[np.int64]
    reason: str = ""


def feed(contract: Contract, rows: pa.Table) -> Feed:
    """Prepare rows that one version answered for another.

    Raises:
        UnfeedableError: The log lacks an input, or holds something else under its name.
    """
    found = {field: _find(field, rows) for field in contract.inputs}
    usable, lacking = np.ones(rows.num_rows, dtype=np.bool_), []
    for field, column in found.items():
        if field.datatype in ("BOOL", "INT32", "INT64") and not field.shape and column.null_count:
            # There is no missing whole number, and 0 would be made up.
            usable &= np.asarray(column.is_valid())
            lacking.append(field.name)
    columns = {field.name: _values(field, column.filter(pa.array(usable))) for field, column in found.items()}
    reason = f"inputs without value: {', '.join(lacking)}" if lacking else ""
    return Feed(columns, np.flatnonzero(usable), reason)


def _find(field: Field, rows: pa.Table) -> pa.ChunkedArray:
    named = [number for number, column in enumerate(rows.schema) if field_name(column) == f"input.{field.name}"]
    if not named:
        if field.nullable:
            return pa.chunked_array([pa.nulls(rows.num_rows, _ARROW[field.datatype])])
        raise UnfeedableError(f"the log lacks input {field.name!r}")
    # Of several columns (the type differs between versions) the answering version filled one.
    column = min((rows.column(number) for number in named), key=lambda each: int(each.null_count))
    if field.shape:
        return column
    try:
        return column.cast(_ARROW[field.datatype])
    except pa.ArrowException as error:
        raise UnfeedableError(f"input {field.name!r} is logged as {column.type}: {error}") from error


def _values(field: Field, column: pa.ChunkedArray) -> NDArray[Any]:
    if field.shape:
        return _vectors(field, column)
    if field.datatype == "BYTES":
        values = np.empty(len(column), dtype=np.object_)
        values[:] = column.to_pylist()
        return values
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=_ELEMENTS[field.datatype])


def _vectors(field: Field, column: pa.ChunkedArray) -> NDArray[Any]:
    try:
        values = np.array(column.to_pylist(), dtype=_ELEMENTS[field.datatype])
    except (ValueError, TypeError) as error:
        raise UnfeedableError(f"input {field.name!r} holds vectors of different shapes") from error
    if len(column) == 0:
        return values.reshape(0, *(max(size, 0) for size in field.shape))
    if values.ndim != 1 + len(field.shape):
        raise UnfeedableError(f"input {field.name!r} holds vectors of different shapes")
    return values
