"""The process in which a user's SQL runs: `python -m interlock.predictions.sql_job`.

Started by `sql.query`; the question comes on stdin, the answer goes to stdout. Views are made while DuckDB may still
open files; then it is confined to exactly those files, its configuration is locked, and only then the user's text is
looked at.
"""

import re
import resource
import sys
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from interlock.predictions.delta_log import DeltaLog, Kind
from interlock.predictions.log_schema import LABELS, PREDICTIONS
from interlock.predictions.relations import LABELLED, connect, quoted, relation, text
from interlock.predictions.sql import Answer, Question

_KINDS: dict[Kind, pa.Schema] = {"predictions": PREDICTIONS, "labels": LABELS}
_READING = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}
_OF_LABEL = (
    'l.label, l.label_text, l.label_number, l.observed_at, l."at" AS labelled_at, l.source AS label_source, '
    "l.weight AS label_weight"
)


def answer(question: Question) -> Answer:
    """Run the question."""
    database = connect(memory=question.memory)
    log = DeltaLog(Path(question.root))
    known = sorted({*log.endpoints("predictions"), *log.endpoints("labels"), *question.endpoints})
    # Opening a table takes longer than most queries: only those that are named.
    named = [endpoint for endpoint in known if endpoint in question.sql.lower()]
    _make_views(database, log, named)
    _confine(database, [file for endpoint in named for kind in _KINDS for file in log.files(kind, endpoint)])
    try:
        return Answer(rows=_rows(database, question))
    except (duckdb.Error, OverflowError, ValueError) as error:
        return Answer(error=_explain(error, question.sql, known))


def _make_views(database: duckdb.DuckDBPyConnection, log: DeltaLog, endpoints: list[str]) -> None:
    relations = {(kind, endpoint): _relation(log, kind, endpoint) for kind in _KINDS for endpoint in endpoints}
    views = {}
    for endpoint in endpoints:
        predictions, labels = f"({relations['predictions', endpoint]})", f"({relations['labels', endpoint]})"
        latest = LABELLED.latest(predictions, labels)
        views[f"labels_{endpoint}"] = relations["labels", endpoint]
        views[f"{endpoint}_labelled"] = (
            f"SELECT p.*, {_OF_LABEL} FROM {predictions} p LEFT JOIN ({latest}) l USING (prediction_id)"  # noqa: S608
        )
    # Last, so that an endpoint which is itself called `labels_x` keeps its name.
    views |= {endpoint: relations["predictions", endpoint] for endpoint in endpoints}
    for name, query in views.items():
        database.execute(f"CREATE VIEW {quoted(name)} AS {query}")


def _relation(log: DeltaLog, kind: Kind, endpoint: str) -> str:
    schema = log.schema(kind, endpoint)
    return relation(log.files(kind, endpoint), schema if schema.names else _KINDS[kind])


def _confine(database: duckdb.DuckDBPyConnection, files: list[str]) -> None:
    database.execute("SET temp_directory = ''")
    database.execute(f"SET allowed_paths = [{', '.join(text(file) for file in files)}]")
    database.execute("SET enable_external_access = false")
    database.execute("SET lock_configuration = true")


def _rows(database: duckdb.DuckDBPyConnection, question: Question) -> list[dict[str, Any]]:
    statements = database.extract_statements(question.sql)
    if len(statements) != 1 or statements[0].type not in _READING:
        raise duckdb.InvalidInputException("Only one statement that reads is allowed, such as SELECT")
    found = database.sql(question.sql)
    if question.row_limit is not None:
        found = found.limit(question.row_limit)
    table = found.to_arrow_table()
    columns = [_spelt(column) for column in table.columns]
    rows: list[dict[str, Any]] = pa.table(columns, names=_distinct(table.column_names)).to_pylist()
    return rows


def _spelt(column: pa.ChunkedArray) -> pa.ChunkedArray:
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
    elif isinstance(error, duckdb.OutOfMemoryException):
        sentence = "the query needs more memory than it may have; narrow it, or read the Delta table itself"
    return f"the query cannot be run: {sentence}"


def main() -> None:
    """Read, answer, write."""
    question = msgspec.json.decode(sys.stdin.buffer.read(), type=Question)
    seconds = int(question.seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    encoder = msgspec.json.Encoder(enc_hook=str, decimal_format="number")
    sys.stdout.buffer.write(encoder.encode(answer(question)))


if __name__ == "__main__":
    main()
