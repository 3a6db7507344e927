"""Questions to the rows of one or two files, answered by DuckDB: what does not fit into memory goes to the disk.

Called by `data_checks`. A number that is no number (nan) is missing here, as everywhere. Rows are compared by a hash of
64 bits over their values, whole and broken numbers being alike: of 50 million rows one pair in ten thousand files is
taken for equal that is not.
"""

import tempfile
from collections.abc import Mapping, Sequence
from typing import Any, Self

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from interlock.comparison.rows import Rows
from interlock.predictions.relations import connect, quoted, text

# Beside it stands what is read at a time.
_MEMORY = "512MB"

CURRENT, REFERENCE = "current_rows", "reference_rows"
"""Names of the two sides in queries."""


class RowQueries:
    """A context manager over one file, or two.

    Args:
        current: The rows that are checked.
        reference: Those to compare with.
    """

    def __init__(self, current: Rows, reference: Rows | None = None) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="interlock-check-")
        self._database = connect(memory=_MEMORY)
        self._database.execute(f"SET temp_directory = {text(self._scratch.name)}")
        self._database.execute("SET enable_progress_bar = false")
        self._types: dict[str, Mapping[str, pa.DataType]] = {CURRENT: current.types}
        self._show(CURRENT, current)
        if reference is not None:
            self._types[REFERENCE] = reference.types
            self._show(REFERENCE, reference)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()
        self._scratch.cleanup()

    def summaries(self, side: str, columns: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Of each column `present` (rows with a value), `least` and `greatest`, and whether it is `constant`."""
        asked = []
        for number, name in enumerate(columns):
            value = self._value(side, name)
            asked += [
                f"count({value}) AS p{number}", f"min({value}) AS l{number}", f"max({value}) AS g{number}",
            ]  # fmt: skip
        row = self._one(f"SELECT {', '.join(asked)} FROM {side}") if asked else {}  # noqa: S608
        return {
            name: {
                "present": row[f"p{number}"],
                "least": row[f"l{number}"],
                "greatest": row[f"g{number}"],
                "constant": row[f"p{number}"] > 0 and row[f"l{number}"] == row[f"g{number}"],
            }
            for number, name in enumerate(columns)
        }

    def outside(self, ranges: Mapping[str, tuple[Any, Any]]) -> dict[str, int]:
        """Rows whose value is under the first or over the second of each column's bounds; None is no bound."""
        asked: list[str] = []
        given: dict[str, Any] = {}
        for number, (name, (low, high)) in enumerate(ranges.items()):
            value = self._value(CURRENT, name)
            given |= {f"l{number}": low, f"h{number}": high}
            asked.append(f"count(*) FILTER ({value} < $l{number} OR {value} > $h{number}) AS o{number}")
        row = self._one(f"SELECT {', '.join(asked)} FROM {CURRENT}", given) if asked else {}  # noqa: S608
        return {name: row[f"o{number}"] for number, name in enumerate(ranges)}

    def values(self, side: str, column: str, most: int) -> list[str] | None:
        """The distinct values of a column as text, or None if there are more than `most`."""
        value = self._value(side, column)
        query = f"SELECT DISTINCT ({value})::VARCHAR AS v FROM {side} WHERE {value} IS NOT NULL LIMIT {most + 1}"  # noqa: S608
        found = [row[0] for row in self._database.execute(query).fetchall()]
        return None if len(found) > most else sorted(found)

    def unlike(self, column: str, known: Sequence[str]) -> tuple[int, list[str]]:
        """Rows whose value is none of the known ones, and a few of these values."""
        value = f"({self._value(CURRENT, column)})::VARCHAR"
        query = f"""
            SELECT {value} AS v, count(*) AS n FROM {CURRENT}
            WHERE {value} IS NOT NULL AND NOT list_contains($known::VARCHAR[], {value}) GROUP BY v"""  # noqa: S608
        row = self._one(
            f"SELECT coalesce(sum(n), 0)::BIGINT AS rows, (list(v ORDER BY n DESC))[:3] AS some FROM ({query})",  # noqa: S608
            {"known": list(known)},
        )
        return int(row["rows"]), list(row["some"] or [])

    def duplicates(self, columns: Sequence[str]) -> int:
        """Rows that are the same as an earlier one, in these columns."""
        hashed = self._hash(CURRENT, columns)
        row = self._one(f"SELECT count(*) - count(DISTINCT {hashed}) AS n FROM {CURRENT}")  # noqa: S608
        return int(row["n"])

    def shared(self, columns: Sequence[str]) -> int:
        """Rows that the reference has too, in these columns."""
        ours, theirs = self._hash(CURRENT, columns), self._hash(REFERENCE, columns)
        query = f"""
            SELECT count(*) AS n FROM (SELECT {ours} AS h FROM {CURRENT})
            SEMI JOIN (SELECT DISTINCT {theirs} AS h FROM {REFERENCE}) USING (h)"""  # noqa: S608
        return int(self._one(query)["n"])

    def purity(self, column: str, label: str) -> tuple[int, int, int, int]:
        """How well a column tells the label.

        Returns:
            Rows with both; distinct values of the column; rows whose label is the most frequent one of their value;
            rows of the most frequent label of all.
        """
        value, said = self._value(CURRENT, column), self._value(CURRENT, label)
        query = f"""
            WITH pairs AS (
                SELECT {value} AS v, {said} AS y, count(*) AS n FROM {CURRENT}
                WHERE {value} IS NOT NULL AND {said} IS NOT NULL GROUP BY ALL)
            SELECT (SELECT coalesce(sum(n), 0)::BIGINT FROM pairs) AS rows,
                (SELECT count(DISTINCT v) FROM pairs) AS values,
                (SELECT coalesce(sum(n), 0)::BIGINT FROM (SELECT max(n) AS n FROM pairs GROUP BY v)) AS told,
                (SELECT coalesce(max(n), 0)::BIGINT FROM (SELECT sum(n) AS n FROM pairs GROUP BY y)) AS base"""  # noqa: S608
        row = self._one(query)
        return int(row["rows"]), int(row["values"]), int(row["told"]), int(row["base"])

    def _show(self, side: str, rows: Rows) -> None:
        """Plain Parquet files are read by DuckDB, which counts what it holds; all else comes through Arrow."""
        files = _parquet_files(rows.source)
        if not files:
            self._database.register(side, rows.source)
            return
        listed = ", ".join(text(file) for file in files)
        query = f"SELECT * FROM read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"  # noqa: S608
        self._database.execute(f"CREATE VIEW {side} AS {query}")

    def _hash(self, side: str, columns: Sequence[str]) -> str:
        return f"hash({', '.join(self._alike(side, name) for name in columns)})"

    def _alike(self, side: str, name: str) -> str:
        """A value in a form that is the same on both sides: all numbers are of one type."""
        kind = "DOUBLE" if is_number(self._types[side][name]) else "VARCHAR"
        return f"({self._value(side, name)})::{kind}"

    def _value(self, side: str, name: str) -> str:
        column = quoted(name)
        if pa.types.is_floating(self._types[side][name]):
            return f"CASE WHEN isnan({column}) THEN NULL ELSE {column} END"
        return column

    def _one(self, query: str, given: Mapping[str, object] | None = None) -> dict[str, Any]:
        found = self._database.execute(query, dict(given)) if given else self._database.execute(query)
        names, row = [each[0] for each in found.description or []], found.fetchone()
        return dict(zip(names, row or (), strict=True))


def _parquet_files(source: pa.Table | ds.Dataset) -> list[str]:
    """The files that hold all columns, if it is such files: those of a Delta table lack its partitions."""
    if not isinstance(source, ds.FileSystemDataset) or source.format.default_extname != "parquet":
        return []
    files = [str(file) for file in source.files]
    return files if files and set(pq.read_schema(files[0]).names) == set(source.schema.names) else []


def is_number(kind: pa.DataType) -> bool:
    """Whether values of a type are numbers."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
