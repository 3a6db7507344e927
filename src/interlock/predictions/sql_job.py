"""The process in which a user's SQL runs: `python -m interlock.predictions.sql_job`.

Started by `sql.answer`; the question comes on stdin, the answer goes to stdout as it is found. Views are made while
DuckDB may still open files; then it is confined to exactly those files, its configuration is locked, and only then the
user's text is looked at.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from interlock.domain.errors import InvalidInputError
from interlock.domain.telemetry import DEVICES
from interlock.predictions.confinement import limit_process, refuse
from interlock.predictions.delta_log import Kind
from interlock.predictions.joined import joined, labelled, reward_names
from interlock.predictions.log_tables import LogTables
from interlock.predictions.relations import quoted, text
from interlock.predictions.sql import Question

_KINDS: tuple[Kind, ...] = ("predictions", "labels", "decisions", "rewards")
_READING = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}
_BATCH_ROWS = 10_000

_encode = msgspec.json.Encoder(enc_hook=str, decimal_format="number").encode


def run(question: Question, out: BinaryIO) -> None:
    """Write the answer.

    Raises:
        InvalidInputError: There is none, and why.
    """
    tables = LogTables(Path(question.root), memory=question.memory)
    known = sorted({endpoint for kind in _KINDS for endpoint in tables.log.endpoints(kind)} | {*question.endpoints})
    # Opening a table takes longer than most queries: only those that are named.
    named = [endpoint for endpoint in known if endpoint in question.sql.lower()]
    _make_views(tables, named, question.sql.lower())
    readings = tables.log.files("telemetry", DEVICES) if _asks_devices(question.sql) else []
    files = [file for endpoint in named for kind in _KINDS for file in tables.log.files(kind, endpoint)]
    _confine(tables.database, [*files, *readings])
    try:
        _write(_batches(tables.database, question), out)
    except (duckdb.Error, pa.ArrowException, OverflowError, ValueError, MemoryError) as error:
        raise InvalidInputError(_explain(error, question.sql, known)) from error


def _make_views(tables: LogTables, endpoints: list[str], sql: str) -> None:
    views: dict[str, str] = {}
    for endpoint in endpoints:
        predictions = tables.relation("predictions", endpoint)
        views |= {f"{kind}_{endpoint}": tables.relation(kind, endpoint) for kind in _KINDS[1:]}
        views[f"{endpoint}_labelled"] = labelled(tables, endpoint, predictions)
        if f"{endpoint}_joined" in sql:
            views[f"{endpoint}_joined"] = joined(tables, endpoint, predictions, reward_names(tables, endpoint))
    if _asks_devices(sql):
        views["telemetry"] = tables.relation("telemetry", DEVICES)
    # Last, so that an endpoint which is itself called `labels_x` keeps its name.
    views |= {endpoint: tables.relation("predictions", endpoint) for endpoint in endpoints}
    for name, query in views.items():
        tables.database.execute(f"CREATE VIEW {quoted(name)} AS {query}")


def _asks_devices(sql: str) -> bool:
    return "telemetry" in sql.lower()


def _confine(database: duckdb.DuckDBPyConnection, files: list[str]) -> None:
    database.execute("SET temp_directory = ''")
    database.execute(f"SET allowed_paths = [{', '.join(text(file) for file in files)}]")
    database.execute("SET enable_external_access = false")
    database.execute("SET lock_configuration = true")


def _batches(database: duckdb.DuckDBPyConnection, question: Question) -> Iterator[list[dict[str, Any]]]:
    statements = database.extract_statements(question.sql)
    if len(statements) != 1 or statements[0].type not in _READING:
        raise duckdb.InvalidInputException("Only one statement that reads is allowed, such as SELECT")
    found = database.sql(question.sql)
    if question.row_limit is not None:
        found = found.limit(question.row_limit)
    reader = found.to_arrow_reader(_BATCH_ROWS)
    names = _distinct(reader.schema.names)
    for batch in reader:
        yield pa.RecordBatch.from_arrays([_spelt(column) for column in batch.columns], names=names).to_pylist()


def _write(batches: Iterator[list[dict[str, Any]]], out: BinaryIO) -> None:
    separator = b'{"rows":['
    for batch in batches:
        for row in batch:
            out.write(separator + _encode(row))
            separator = b","
    out.write((separator if separator != b"," else b"") + b"]}")
    out.flush()


def _spelt(column: pa.Array) -> pa.Array:
    """Times as text here: as Python objects they would need a time-zone database, which slim containers lack."""
    if not pa.types.is_timestamp(column.type) or column.type.tz is None:
        return column
    return pc.strftime(column.cast(pa.timestamp("us")), "%Y-%m-%dT%H:%M:%SZ")


def _distinct(names: list[str]) -> list[str]:
    """Names as keys of an object: a second `x` becomes `x_1`, as DuckDB calls it elsewhere."""
    found: list[str] = []
    for name in names:
        candidate, number = name, 0
        while candidate in found:
            number += 1
            candidate = f"{name}_{number}"
        found.append(candidate)
    return found


def _explain(error: Exception, sql: str, known: list[str]) -> str:
    sentence = str(error).split("\n", 1)[0].rstrip("!. ")
    if isinstance(error, duckdb.CatalogException) and "Table" in sentence:
        sentence += f"; endpoints with a log: {', '.join(known) or 'none yet'}"
    elif isinstance(error, duckdb.ParserException) and re.search(r"(?i)(?<![\"\w])at\b(?!\")", sql):
        sentence += '; the column at is a keyword of SQL and is written "at"'
    elif isinstance(error, duckdb.OutOfMemoryException | MemoryError):
        sentence = "the query needs more memory than it may have; narrow it, or read the Delta table itself"
    return f"the query cannot be run: {sentence}"


def main() -> None:
    """Read, answer, write."""
    question = msgspec.json.decode(sys.stdin.buffer.read(), type=Question)
    limit_process(question.seconds)
    with refuse():
        run(question, sys.stdout.buffer)


if __name__ == "__main__":
    main()
