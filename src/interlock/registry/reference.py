"""Reference data: rows like those that will be served, from a Parquet or CSV file.

Called at registration, to learn what the contract takes and what the profile expects. It refuses types that no model is
fed with when the model needs that column.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from interlock.domain.contract import Datatype, Field
from interlock.domain.errors import InvalidInputError
from interlock.runtimes.artifact import sha256_of

# Text of more distinct values is free text, or an identifier.
_MOST_CATEGORIES = 200


@dataclass(frozen=True)
class Reference:
    """A read reference file. Text columns are plain strings."""

    table: pa.Table
    digest: str

    @property
    def rows(self) -> int:
        return int(self.table.num_rows)

    @property
    def names(self) -> list[str]:
        return list(self.table.column_names)

    def field(self, name: str) -> Field:
        """What a column takes, learnt from its values.

        Raises:
            InvalidInputError: It has a type that no model is fed with.
        """
        column = self.table[name]
        datatype = _datatype(name, column)
        nullable = bool(column.null_count) or _has_nan(column)
        if datatype == "BYTES":
            return Field(name=name, datatype=datatype, nullable=nullable, categories=_categories(column))
        if datatype == "BOOL":
            return Field(name=name, datatype=datatype)
        low, high = _range(self._numbers(name))
        return Field(name=name, datatype=datatype, nullable=nullable, minimum=low, maximum=high)

    def columns(self, fields: Sequence[Field]) -> dict[str, NDArray[Any]]:
        """The rows as models are fed with them."""
        return {field.name: self._column(field) for field in fields}

    def label(self, name: str) -> list[Any]:
        """Values of the label column, None where there is none."""
        values: list[Any] = self.table[name].to_pylist()
        return [None if value != value else value for value in values]  # noqa: PLR0124 (nan)

    def _column(self, field: Field) -> NDArray[Any]:
        if field.datatype == "BYTES":
            return np.array(self.table[field.name].cast(pa.string()).to_pylist(), dtype=object)
        values = self._numbers(field.name)
        return values.astype({"BOOL": np.bool_, "INT32": np.int64, "INT64": np.int64}.get(field.datatype, np.float64))

    def _numbers(self, name: str) -> NDArray[Any]:
        column = self.table[name]
        if pa.types.is_integer(column.type) and not column.null_count:
            return np.asarray(column.to_numpy())
        if pa.types.is_null(column.type):
            return np.full(len(column), np.nan)
        if pa.types.is_boolean(column.type):
            column = column.cast(pa.int8())
        return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)


def read(path: Path) -> Reference:
    """Read a reference file.

    Raises:
        InvalidInputError: It is not there, neither Parquet nor CSV, unreadable, or empty.
    """
    if not path.is_file():
        raise InvalidInputError(f"reference == {str(path)!r}, there is no such file")
    try:
        table = _read(path)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"reference {path.name} cannot be read: {str(error).splitlines()[0][:200]}") from error
    if table.num_rows == 0:
        raise InvalidInputError(f"reference {path.name} has no rows; give rows like those that will be served")
    return Reference(_plain(table), sha256_of(path))


def _read(path: Path) -> pa.Table:
    suffix = path.suffix.lower()
    if suffix in (".parquet", ".pq"):
        return pq.read_table(path)
    if suffix in (".csv", ".tsv", ".gz"):
        return pa_csv.read_csv(
            path,
            parse_options=pa_csv.ParseOptions(delimiter="\t" if suffix == ".tsv" else ","),
            convert_options=pa_csv.ConvertOptions(
                strings_can_be_null=True, null_values=["", "NA", "NaN", "nan", "null"]
            ),
        )
    raise InvalidInputError(f"reference {path.name} has the ending {suffix!r}, must be .parquet or .csv")


def _plain(table: pa.Table) -> pa.Table:
    for at, column in enumerate(table.schema):
        if pa.types.is_dictionary(column.type):
            table = table.set_column(at, column.name, table[column.name].cast(column.type.value_type))
    return table


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
    raise InvalidInputError(f"reference column {name!r} has type {kind}, must be numbers, booleans or text")


def _has_nan(column: pa.ChunkedArray) -> bool:
    return bool(pa.types.is_floating(column.type) and pc.any(pc.is_nan(column)).as_py())


def _categories(column: pa.ChunkedArray) -> tuple[str, ...] | None:
    values = pc.unique(column).drop_null()
    return tuple(sorted(values.to_pylist())) if len(values) <= _MOST_CATEGORIES else None


def _range(values: NDArray[Any]) -> tuple[float | None, float | None]:
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if len(finite) else (None, None)


def spread(columns: Mapping[str, NDArray[Any]], rows: int, most: int) -> dict[str, NDArray[Any]]:
    """At most `most` of the rows, evenly spread over all of them."""
    if rows <= most:
        return dict(columns)
    index = np.linspace(0, rows - 1, most).astype(np.int64)
    return {name: values[index] for name, values in columns.items()}
