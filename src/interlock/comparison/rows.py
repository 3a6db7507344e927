"""Rows from anywhere, one column at a time: files of any size are never in memory as a whole.

Parquet and Delta are columns on disk already. CSV and streams, which can be read only once and only as rows, are
written to a temporary Parquet file first. It refuses nested columns only when they are asked for.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from interlock.domain.errors import InvalidInputError

# Rows of one read. Smaller batches cost calls, larger ones cost memory and leave the processor's cache.
_BATCH_ROWS = 131_072
_CSV_BLOCK_BYTES = 16 * 1024 * 1024
_MISSING_IN_CSV = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"]


class Rows:
    """Rows with named columns, each of which can be read any number of times.

    A context manager: leaving it removes what was written for reading.

    Args:
        data: The columns.
        rows: How many rows there are.
        scratch: Holds the temporary file, if there is one.
    """

    def __init__(
        self, data: pa.Table | ds.Dataset, rows: int, scratch: tempfile.TemporaryDirectory[str] | None = None
    ) -> None:
        self._data, self._scratch = data, scratch
        self.rows = rows
        self.types: dict[str, pa.DataType] = dict(zip(data.schema.names, data.schema.types, strict=True))

    @property
    def source(self) -> pa.Table | ds.Dataset:
        """The columns themselves, for engines that read Arrow."""
        return self._data

    def chunks(self, name: str) -> Iterator[pa.Array]:
        """The values of one column, in order."""
        if isinstance(self._data, pa.Table):
            yield from self._data.column(name).chunks
            return
        options = ds.ParquetFragmentScanOptions(pre_buffer=False, use_buffered_stream=True)
        # Columns are read in parallel by the caller; more threads would only hold more batches.
        batches = self._data.scanner(
            columns=[name],
            batch_size=_BATCH_ROWS,
            use_threads=False,
            batch_readahead=1,
            fragment_readahead=1,
            fragment_scan_options=options,
        ).to_batches()
        for batch in batches:
            yield batch.column(0)

    def batches(self, names: list[str]) -> Iterator[pa.RecordBatch]:
        """Several columns, row by row in order."""
        if isinstance(self._data, pa.Table):
            yield from self._data.select(names).to_batches(max_chunksize=_BATCH_ROWS)
        else:
            yield from self._data.scanner(columns=names, batch_size=_BATCH_ROWS, use_threads=False).to_batches()

    def close(self) -> None:
        """Remove what was written for reading."""
        if self._scratch is not None:
            self._scratch.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_rows(source: Any, side: str) -> Rows:
    """Find the rows of a file, a folder, a frame or arrays.

    Args:
        source: A path (CSV, Parquet, a folder of Parquet files or a Delta table), a pandas or Polars frame, an Arrow
            table, batch or reader, a NumPy array (columns `x0`, `x1`, ...), or a mapping of columns.
        side: What errors call it: reference or current.

    Raises:
        InvalidInputError: It is not there, of no known form, damaged, or has no rows.
    """
    try:
        rows = _of_path(Path(source)) if isinstance(source, str | os.PathLike) else _of_object(source)
    except FileNotFoundError as error:
        raise InvalidInputError(f"{side} {source} cannot be read: there is no such file") from error
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else error  # Arrow puts a text of its own into strerror
        raise InvalidInputError(f"{side} {source} cannot be read: {why}") from error
    except (pa.ArrowException, UnicodeDecodeError) as error:
        what = source if isinstance(source, str | os.PathLike) else type(source).__name__
        raise InvalidInputError(f"{side} {what} cannot be read: {str(error).splitlines()[0][:300]}") from error
    if rows.rows == 0 or not rows.types:
        rows.close()
        raise InvalidInputError(f"{side} has no rows; give rows to compare")
    return rows


def _of_path(path: Path) -> Rows:
    if not path.exists():
        raise FileNotFoundError(path)
    if path.is_dir():
        return _of_folder(path)
    form = "".join(path.suffixes[-2:]).lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
    if form in (".parquet", ".pq"):
        return _of_dataset(_parquet(path))
    if form in (".csv", ".tsv", ".csv.gz", ".tsv.gz"):
        return _of_csv(path, "\t" if ".tsv" in form else ",")
    if form in (".arrow", ".feather", ".ipc"):
        return _of_dataset(ds.dataset(path, format="ipc"))
    known = ".parquet, .csv, .tsv, .csv.gz, .arrow, or a folder (Delta, or Parquet files)"
    raise InvalidInputError(f"{path} ends in {path.suffix!r}, must be one of {known}")


def _of_folder(path: Path) -> Rows:
    if not (path / "_delta_log").is_dir():
        return _of_dataset(_parquet(path))
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    try:
        return _of_dataset(DeltaTable(path).to_pyarrow_dataset())
    except DeltaError as error:
        raise InvalidInputError(f"{path} is not a Delta table that can be read: {error}") from error


def _parquet(path: Path) -> ds.Dataset:
    found = ds.dataset(path, format="parquet", exclude_invalid_files=path.is_dir())
    texts = [field.name for field in found.schema if _is_text(field.type)]
    # Dictionaries as they lie in the file: text is decoded once per value, not once per row.
    options = ds.ParquetReadOptions(dictionary_columns=texts)
    return ds.dataset(path, format=ds.ParquetFileFormat(read_options=options), exclude_invalid_files=path.is_dir())


def _of_dataset(found: ds.Dataset, scratch: tempfile.TemporaryDirectory[str] | None = None) -> Rows:
    return Rows(found, found.count_rows(), scratch)


def _of_csv(path: Path, delimiter: str) -> Rows:
    """Types come from the first block. A column that later holds something else is text, and is read again as such."""
    with pyarrow.csv.open_csv(path, parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter)) as reader:
        names = reader.schema.names
    types: dict[str, pa.DataType] = {}
    while True:
        try:
            return _of_stream(_csv_reader(path, delimiter, types))
        except pa.ArrowInvalid as error:
            number = _faulty_column(str(error))
            if number is None or number >= len(names) or names[number] in types:
                raise
            types[names[number]] = pa.string()


def _csv_reader(path: Path, delimiter: str, types: dict[str, pa.DataType]) -> pa.RecordBatchReader:
    converting = pyarrow.csv.ConvertOptions(column_types=types, null_values=_MISSING_IN_CSV, strings_can_be_null=True)
    return pyarrow.csv.open_csv(
        path,
        read_options=pyarrow.csv.ReadOptions(block_size=_CSV_BLOCK_BYTES),
        parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter),
        convert_options=converting,
    )


def _faulty_column(message: str) -> int | None:
    """Arrow names the column only by its number, in the text of its error."""
    _, found, rest = message.partition("In CSV column #")
    digits = rest.partition(":")[0]
    return int(digits) if found and digits.isdigit() else None


def _of_stream(reader: pa.RecordBatchReader) -> Rows:
    scratch = tempfile.TemporaryDirectory(prefix="interlock-rows-")
    path = Path(scratch.name) / "rows.parquet"
    try:
        with pq.ParquetWriter(path, reader.schema, compression="zstd", compression_level=1) as writer:
            for batch in reader:
                writer.write_batch(batch)
        return _of_dataset(_parquet(path), scratch)
    except BaseException:
        scratch.cleanup()
        raise


def _of_object(source: Any) -> Rows:
    if isinstance(source, Rows):
        return source
    if isinstance(source, pa.RecordBatchReader):
        return _of_stream(source)
    table = _as_table(source)
    return Rows(table, table.num_rows)


def _as_table(source: Any) -> pa.Table:
    if isinstance(source, np.ndarray):
        return _array_table(source)
    if isinstance(source, Mapping):
        return pa.table({str(name): np.asarray(column) for name, column in source.items()})
    kind = type(source).__module__.partition(".")[0]
    if kind == "pandas":
        return _pandas_table(source.to_frame() if source.ndim == 1 else source)
    if kind == "polars":
        frame = source.collect() if hasattr(source, "collect") else source
        return (frame.to_frame() if hasattr(frame, "to_frame") else frame).to_arrow()
    # Arrow's own tables and batches, DuckDB's relations, and whatever else speaks its protocol.
    if hasattr(source, "__arrow_c_stream__") or isinstance(source, pa.RecordBatch):
        return pa.Table.from_batches([source]) if isinstance(source, pa.RecordBatch) else pa.table(source)
    raise InvalidInputError(
        f"rows have type {type(source).__name__}, must be a path, a pandas or Polars frame, an Arrow table, batch or "
        "reader, a NumPy array or a mapping of columns"
    )


def _array_table(array: np.ndarray[Any, Any]) -> pa.Table:
    if array.dtype.names:
        return pa.table({name: array[name] for name in array.dtype.names})
    if array.ndim not in (1, 2):
        raise InvalidInputError(f"array has {array.ndim} dimensions, must be one column or a table of columns")
    columns = array.reshape(len(array), -1).T
    return pa.table({f"x{number}": np.ascontiguousarray(column) for number, column in enumerate(columns)})


def _pandas_table(frame: Any) -> pa.Table:
    """Columns of mixed objects, which Arrow refuses, are compared as text."""
    columns = {}
    for name in frame.columns:
        try:
            columns[str(name)] = pa.array(frame[name], from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            values = [None if value is None or value != value else str(value) for value in frame[name]]  # noqa: PLR0124
            columns[str(name)] = pa.array(values, pa.string())
    return pa.table(columns)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
