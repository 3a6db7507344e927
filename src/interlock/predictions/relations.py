"""The log's tables as DuckDB relations: SQL text over lists of Parquet files.

Used by the reader and by SQL queries of users. A relation always has every column of its table, also when none of the
files at hand has it, and when there are no files.
"""

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from interlock.predictions.log_schema import LABELS, widened

_NAMES = {
    pa.string(): "VARCHAR",
    pa.float64(): "DOUBLE",
    pa.int64(): "BIGINT",
    pa.int32(): "INTEGER",
    pa.bool_(): "BOOLEAN",
    pa.date32(): "DATE",
}


def connect(*, memory: str) -> duckdb.DuckDBPyConnection:
    """A database in memory, on one thread, that downloads nothing and tells times in UTC."""
    return duckdb.connect(
        config={"threads": 1, "memory_limit": memory, "autoinstall_known_extensions": False, "TimeZone": "UTC"}
    )


def quoted(name: str) -> str:
    """A name as SQL.

    Examples:
        >>> print(quoted("input.length"))
        "input.length"
    """
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text as SQL."""
    return "'" + value.replace("'", "''") + "'"


def relation(files: Sequence[str], schema: pa.Schema) -> str:
    """A query of all rows in `files`, with the columns of `schema`; a widened field is one column.

    Partition columns are read from the files' paths, where Delta has them.
    """
    columns = ", ".join(f"NULL::{_type(column.type)} AS {quoted(column.name)}" for column in schema)
    empty = f"SELECT {columns} WHERE false"
    if not files:
        return _merged(empty, schema)
    listed = ", ".join(text(file) for file in files)
    options = (
        "union_by_name = true, hive_partitioning = true, hive_types = {'date': 'DATE'}, hive_types_autocast = false"
    )
    if "date" not in schema.names:
        options = "union_by_name = true, hive_partitioning = false"
    return _merged(f"{empty} UNION ALL BY NAME SELECT * FROM read_parquet([{listed}], {options})", schema)  # noqa: S608


def _merged(rows: str, schema: pa.Schema) -> str:
    merged = widened(schema)
    if not merged:
        return rows
    hidden = ", ".join(quoted(name) for columns in merged.values() for name in columns[1:])
    shown = ", ".join(f"{_first_given(columns)} AS {quoted(name)}" for name, columns in merged.items())
    return f"SELECT * EXCLUDE ({hidden}) REPLACE ({shown}) FROM ({rows})"  # noqa: S608


def _first_given(columns: Sequence[str]) -> str:
    return f"coalesce({', '.join(f'{quoted(name)}::DOUBLE' for name in columns)})"


def latest_labels(predictions: str, labels: str) -> str:
    """A query of the label that counts for each labelled prediction: of all that match, the one that came last.

    Labels name a prediction, or the caller's request and row.

    Args:
        predictions: A relation with prediction_id, request_id and request_row, by name or as a query in parentheses.
        labels: A relation with the columns of the labels table.

    Returns:
        SQL; its columns are those of the labels table, prediction_id always being there.
    """
    of_label = ", ".join(f"l.{quoted(name)}" for name in LABELS.names if name != "prediction_id")
    return f"""
        SELECT DISTINCT ON (prediction_id) * FROM (
            SELECT l.prediction_id, {of_label} FROM {labels} l SEMI JOIN {predictions} p USING (prediction_id)
            UNION ALL
            SELECT p.prediction_id, {of_label} FROM {labels} l JOIN {predictions} p USING (request_id, request_row)
            WHERE l.prediction_id IS NULL
        ) ORDER BY prediction_id, "at" DESC, batch_row DESC"""  # noqa: S608


def _type(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"{_type(kind.value_type)}[]"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMPTZ"
    return _NAMES[kind]
