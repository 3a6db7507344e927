"""The log's tables as DuckDB relations: SQL text over lists of Parquet files.

Used by the reader and by SQL queries of users. A relation always has every column of its table, also when none of the
files at hand has it, and when there are no files.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from interlock.predictions.delta_log import Kind
from interlock.predictions.log_schema import DECISIONS, LABELS, REWARDS, widened
from interlock.predictions.precedence import order

_NAMES = {
    pa.string(): "VARCHAR",
    pa.float64(): "DOUBLE",
    pa.int64(): "BIGINT",
    pa.int32(): "INTEGER",
    pa.bool_(): "BOOLEAN",
    pa.date32(): "DATE",
}


def connect(*, memory: str) -> duckdb.DuckDBPyConnection:
    """A database in memory, on one thread, that tells times in UTC.

    It downloads nothing, and takes no name in a query for a variable of Python.
    """
    return duckdb.connect(
        config={
            "threads": 1,
            "memory_limit": memory,
            "autoinstall_known_extensions": False,
            "allow_persistent_secrets": False,
            "python_enable_replacements": False,
            "TimeZone": "UTC",
        }
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


@dataclass(frozen=True, slots=True)
class Feedback:
    """How rows of one kind are matched with predictions.

    Args:
        kind: Of the table.
        schema: Its columns.
        said: Those that hold what was said, the deciding one first.
        per: Columns besides the prediction for which one row counts.
        ranked: Whether sources have ranks.
    """

    kind: Kind
    schema: pa.Schema
    said: tuple[str, ...]
    per: tuple[str, ...] = ()
    ranked: bool = True

    def latest(self, predictions: str, given: str, *, by_request: bool = True) -> str:
        """A query of the row that counts for each prediction, as `precedence` says.

        Args:
            predictions: A relation with prediction_id, request_id and request_row, by name or as a query in
                parentheses.
            given: A relation with the columns of the table, alike.
            by_request: Whether any row of `given` may name a request.

        Returns:
            SQL, as of `matched`.
        """
        # First of those that name a request: an id that a caller uses for everything would join with everything.
        named = f"(SELECT * FROM {given} WHERE prediction_id IS NULL {self._first('request_id', 'request_row')})"  # noqa: S608
        rows = self.matched(predictions, given, named if by_request else None)
        return f"SELECT * FROM ({rows}) {self._first('prediction_id')}"  # noqa: S608

    def matched(self, predictions: str, given: str, named: str | None) -> str:
        """A query of rows by the prediction that is meant.

        A row names a prediction; or a request and row, and then every prediction with these is meant. Rows that name a
        prediction which is not there are in the result too: a join leaves them out.

        Args:
            predictions, given: As for `latest`.
            named: The rows that name requests, alike; None if there are none.

        Returns:
            SQL; its columns are those of the table, prediction_id always being there.
        """
        names = [name for name in self.schema.names if name != "prediction_id"]
        of_row = ", ".join(f"g.{quoted(name)}" for name in names)
        rows = f"SELECT g.prediction_id, {of_row} FROM {given} g WHERE g.prediction_id IS NOT NULL"  # noqa: S608
        if named is None:
            return rows
        return f"""{rows}
            UNION ALL
            SELECT p.prediction_id, {of_row} FROM {named} g JOIN {predictions} p USING (request_id, request_row)
            WHERE g.prediction_id IS NULL"""  # noqa: S608

    def ordered(self, *key: str) -> str:
        """A window of SQL: the rows of each key, what counts first."""
        of_key = f"PARTITION BY {', '.join(key)} " if key else ""
        return f"{of_key}ORDER BY {order(self.said, ranked=self.ranked)}"

    def _first(self, *key: str) -> str:
        return f"QUALIFY row_number() OVER ({self.ordered(*key, *self.per)}) = 1"


LABELLED = Feedback("labels", LABELS, ("label",))
DECIDED = Feedback("decisions", DECISIONS, ("decision",), ranked=False)
REWARDED = Feedback("rewards", REWARDS, ("value",), per=("name",))


def _type(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"{_type(kind.value_type)}[]"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMPTZ"
    return _NAMES[kind]
