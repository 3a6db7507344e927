"""Rows as users have them (columns, records, data frames) as inputs of the Open Inference Protocol."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from interlock.domain.errors import InvalidInputError

# What JSON does not have.
_OBJECTS = (date, Path)

Inputs = Mapping[str, tuple[str, list[int]]]
"""What an endpoint takes: name to datatype and shape, the first axis being the rows."""


def columns_of(rows: Any) -> dict[str, list[Any]]:
    """Any supported table as lists by column.

    Raises:
        InvalidInputError: It is none, has no rows, or its columns differ in length.
    """
    columns = _columns(rows)
    lengths = {len(values) for values in columns.values()}
    if len(lengths) != 1 or lengths == {0}:
        what = "are empty" if lengths <= {0} else f"have columns of different lengths, {sorted(lengths)}"
        raise InvalidInputError(f"rows {what}, must be at least one row with the same columns throughout")
    return columns


def _columns(rows: Any) -> dict[str, list[Any]]:
    if hasattr(rows, "to_pydict"):  # Arrow
        return dict(rows.to_pydict())
    if hasattr(rows, "iloc"):  # pandas
        return {str(name): _listed(rows[name]) for name in rows.columns}
    if hasattr(rows, "get_columns"):  # Polars
        return {column.name: column.to_list() for column in rows.get_columns()}
    if isinstance(rows, Mapping):
        return {str(name): _listed(values) for name, values in rows.items()}
    if isinstance(rows, Sequence) and rows and all(isinstance(row, Mapping) for row in rows):
        names = dict.fromkeys(name for row in rows for name in row)
        return {str(name): [row.get(name) for row in rows] for name in names}
    raise InvalidInputError(
        f"rows are of type {type(rows).__name__}, must be a dict of columns, a list of dicts, "
        "or a pandas, Polars or Arrow table"
    )


def _listed(values: Any) -> list[Any]:
    if isinstance(values, list):
        return values
    if hasattr(values, "tolist"):
        if not hasattr(values, "iloc") and getattr(values, "dtype", None) is not None and values.dtype.kind == "M":
            values = values.astype("datetime64[us]")  # nanoseconds would become numbers
        listed = values.tolist()
        return listed if isinstance(listed, list) else [listed]
    if isinstance(values, Sequence) and not isinstance(values, str | bytes):
        return list(values)
    return [values]  # a scalar is one row


def _spelt(value: Any) -> Any:
    """A value as JSON has it: times as ISO 8601, files by their content (which the encoder writes as base64)."""
    if isinstance(value, date):  # datetime and pandas' Timestamp too
        return None if value != value else value.isoformat()  # noqa: PLR0124 (NaT)
    return value.read_bytes() if isinstance(value, Path) else value


def encode_inputs(columns: Mapping[str, list[Any]], known: Inputs) -> list[dict[str, Any]]:
    """Spell columns as tensors. What the endpoint does not know is sent too: it says what is wrong with it."""
    found = []
    for name, given in columns.items():
        values = [_spelt(value) for value in given] if any(isinstance(one, _OBJECTS) for one in given) else given
        datatype, shape = known.get(name) or (_guess(values), [-1])
        if datatype in ("UINT8", "INT64") and isinstance(_first(values), str | bytes):
            datatype, shape = "BYTES", [-1]  # an encoded image, or a time as text
        found.append({"name": name, "shape": _shape(values, shape), "datatype": datatype, "data": values})
    return found


def _first(values: list[Any]) -> Any:
    return next((one for one in values if one is not None), None)


def _shape(values: list[Any], declared: Sequence[int]) -> list[int]:
    if len(declared) < 2 and not isinstance(values[0], list):
        return [len(values)]
    shape, inner = [len(values)], values[0]
    while isinstance(inner, list):
        shape.append(len(inner))
        inner = inner[0] if inner else None
    return shape


def _guess(values: list[Any]) -> str:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return "BOOL"
    if kinds == {int}:
        return "INT64"
    return "FP64" if kinds and kinds <= {int, float} else "BYTES"
