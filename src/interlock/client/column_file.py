"""Some columns of a file of any size, block by block: CSV and Parquet are never in memory as a whole.

A CSV file says no types, and a block that looks like numbers may be followed by one that does not. So the column of
values gets the first of the likely types that every value has, which takes a pass of its own; all else is read as text.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from interlock.client.data_file import read_columns
from interlock.domain.errors import InvalidInputError

Block = dict[str, list[Any]]
"""Values by column, None where one is missing."""

_BATCH_ROWS = 2_000
_BLOCK_BYTES = 4 * 1024 * 1024


class ColumnFile:
    """A file of rows.

    Args:
        path: CSV, Parquet, or (read as a whole) JSON and JSON lines.

    Raises:
        InvalidInputError: It is not there, of no known form, or damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._form = path, path.suffix.lower()
        self._columns: Block | None = None if self._form in (".csv", ".parquet") else read_columns(path)
        with self._errors():
            self.names = self._names()

    def blocks(
        self, columns: Sequence[str], *, value: str | None = None, likely: pa.DataType = None
    ) -> Iterator[Block]:
        """Read columns, a few thousand rows at a time.

        Args:
            columns: Names; read as text where the file says no types.
            value: The one of them that is no text,
            likely: if all of its values are of this type.

        Raises:
            InvalidInputError: The file is damaged.
        """
        with self._errors():
            if self._columns is not None:
                yield from _cut({name: self._columns[name] for name in columns})
            elif self._form == ".parquet":
                with pyarrow.parquet.ParquetFile(self._path) as file:
                    for batch in file.iter_batches(_BATCH_ROWS, columns=list(columns)):
                        yield batch.to_pydict()
            else:
                types = dict.fromkeys(columns, pa.string())
                if value is not None and self._fits(value, likely):
                    types[value] = likely
                for batch in self._csv(types):
                    yield from _cut(batch.to_pydict())

    def _names(self) -> list[str]:
        if self._columns is not None:
            return list(self._columns)
        if self._form == ".parquet":
            return list(pyarrow.parquet.read_schema(self._path).names)
        with pyarrow.csv.open_csv(self._path) as reader:
            return list(reader.schema.names)

    def _fits(self, name: str, kind: pa.DataType) -> bool:
        try:
            return all(pc.cast(batch[name], kind) is not None for batch in self._csv({name: pa.string()}))
        except pa.ArrowInvalid:
            return False

    def _csv(self, types: dict[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
        options = pyarrow.csv.ConvertOptions(
            column_types=types, include_columns=list(types), null_values=[""], strings_can_be_null=True
        )
        reading = pyarrow.csv.ReadOptions(block_size=_BLOCK_BYTES)
        with pyarrow.csv.open_csv(self._path, read_options=reading, convert_options=options) as reader:
            yield from reader

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise InvalidInputError(f"{self._path} cannot be read: there is no such file") from error
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else error
            raise InvalidInputError(f"{self._path} cannot be read: {why}") from error
        except pa.ArrowException as error:
            raise InvalidInputError(f"{self._path} is not a readable {self._form[1:]} file: {error}") from error


def _cut(block: Block) -> Iterator[Block]:
    rows = len(next(iter(block.values()), []))
    for start in range(0, rows, _BATCH_ROWS):
        yield {name: values[start : start + _BATCH_ROWS] for name, values in block.items()}
