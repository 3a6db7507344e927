"""Reference data: rows like those that will be served, from a Parquet or CSV file.

Called at registration, to learn what the contract takes and what the profile expects.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from interlock.domain.contract import Field
from interlock.domain.errors import InvalidInputError
from interlock.registry.learnt_fields import MOST_IMAGES, evenly, learn
from interlock.registry.reference_values import files, shape_of, values
from interlock.runtimes.artifact import sha256_of

# Each image takes milliseconds, but deciles need some.
_FEWEST_IMAGES = 60
_MOST_PIXELS = 150_000_000


@dataclass(frozen=True)
class Reference:
    """A read reference file.

    Args:
        table: Its rows; dictionaries are decoded.
        digest: SHA-256 of the file.
        categories: Columns that were dictionaries: categories of pandas.
    """

    table: pa.Table
    digest: str
    categories: frozenset[str] = frozenset()

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
        return learn(name, self.table[name], is_pandas_category=name in self.categories)

    def columns(self, fields: Sequence[Field]) -> dict[str, NDArray[Any]]:
        """The rows as models are fed with them. Rows of different shapes make a column of arrays (`domain.ragged`).

        Raises:
            InvalidInputError: Values are not what a field says.
        """
        return {field.name: values(field, self.table[field.name]) for field in fields}

    def with_defaults(self, parameters: Sequence[Field]) -> "Reference":
        """With a column for each parameter of the model that the file has none for."""
        table = self.table
        for field in parameters:
            if field.name not in self.names:
                given = list(field.default) if isinstance(field.default, tuple) else field.default
                table = table.append_column(field.name, pa.array([given] * self.rows))
        return replace(self, table=table)

    def thinned(self, fields: Sequence[Field]) -> "Reference":
        """Evenly spread rows, no more than can be decoded in some seconds, where the model takes images."""
        rules = {field.name: field.image for field in fields if field.image is not None}
        if not rules:
            return self
        rows = self._of(evenly(self.rows, MOST_IMAGES))
        sizes = [shape_of(name, file, rule) for name, rule in rules.items() for file in rows.images(name)]
        pixels = sum(height * width for height, width, _ in sizes)
        return rows._of(evenly(rows.rows, max(_FEWEST_IMAGES, rows.rows * _MOST_PIXELS // max(1, pixels))))

    def _of(self, index: NDArray[np.int64]) -> "Reference":
        return self if len(index) == self.rows else replace(self, table=self.table.take(index))

    def images(self, name: str) -> list[bytes]:
        """The encoded images of a column."""
        return files(name, self.table[name])

    def label(self, name: str) -> list[Any]:
        """Values of the label column, None where there is none."""
        values: list[Any] = self.table[name].to_pylist()
        return [None if value != value else value for value in values]  # noqa: PLR0124 (nan)


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
    categories = frozenset(column.name for column in table.schema if pa.types.is_dictionary(column.type))
    return Reference(_plain(table), sha256_of(path), categories)


def _read(path: Path) -> pa.Table:
    suffix = path.suffix.lower()
    if suffix in (".parquet", ".pq"):
        return pq.read_table(path)
    if suffix in (".csv", ".tsv", ".gz"):
        return _microseconds(
            pa_csv.read_csv(
                path,
                parse_options=pa_csv.ParseOptions(delimiter="\t" if suffix == ".tsv" else ","),
                convert_options=pa_csv.ConvertOptions(
                    strings_can_be_null=True, null_values=["", "NA", "NaN", "nan", "null"]
                ),
            )
        )
    raise InvalidInputError(f"reference {path.name} has the ending {suffix!r}, must be .parquet or .csv")


def _microseconds(table: pa.Table) -> pa.Table:
    """Times of a CSV file in pandas' own resolution: the file says nothing of it."""
    for at, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type):
            table = table.set_column(at, column.name, table[column.name].cast(pa.timestamp("us", column.type.tz)))
    return table


def _plain(table: pa.Table) -> pa.Table:
    for at, column in enumerate(table.schema):
        if pa.types.is_dictionary(column.type):
            table = table.set_column(at, column.name, table[column.name].cast(column.type.value_type))
    return table


def spread(columns: Mapping[str, NDArray[Any]], rows: int, most: int) -> dict[str, NDArray[Any]]:
    """At most `most` of the rows, evenly spread over all of them."""
    if rows <= most:
        return dict(columns)
    index = evenly(rows, most)
    return {name: values[index] for name, values in columns.items()}
