"""Which predictions the rows of a file mean: by id, by the caller's request, or by a key of the caller's business.

Called in the process of `stream_job`. By key it is the latest prediction of that key at or before the event; where no
event has a time, the only one of that key. What fits several is `ambiguous` and is never guessed at.
"""

import pyarrow as pa

from interlock.domain.errors import InvalidInputError
from interlock.predictions.log_schema import field_name
from interlock.predictions.log_tables import LogTables
from interlock.predictions.relations import quoted
from interlock.predictions.streams import Match

_OUTCOME = "CASE WHEN coalesce(number, 0) = 0 THEN 'unmatched' WHEN number = 1 THEN 'matched' ELSE 'ambiguous' END"


def match(tables: LogTables, wanted: Match) -> str:
    """The query: `row`, `outcome` (matched, unmatched, ambiguous) and `prediction_id` of each row, in their order.

    Raises:
        InvalidInputError: The file has not the columns it needs, or the key is not in the log.
    """
    file = pa.memory_map(wanted.file)
    try:
        given = pa.ipc.open_stream(file)
    except pa.ArrowInvalid as error:
        raise InvalidInputError(f"the body is not an Arrow IPC stream: {error}") from error
    names = set(given.schema.names)
    tables.database.register("file", given)
    rows = tables.relation("predictions", wanted.endpoint)
    if wanted.key is not None and {"key", "event_at"} <= names:
        found = _by_key(rows, *_key_columns(tables, wanted))
    elif "prediction_id" in names or {"request_id", "request_row"} <= names:
        found = _by_id(rows)
    else:
        raise InvalidInputError("the rows must have prediction_id, or request_id and request_row, or key and event_at")
    absent = "".join(
        f", NULL AS {name}" for name in ("prediction_id", "request_id", "request_row") if name not in names
    )
    columns = f"row_number() OVER () - 1 AS row, *{absent}"
    tables.database.execute(f"CREATE TEMP TABLE asked AS SELECT {columns} FROM file")  # noqa: S608
    which = "CASE WHEN number = 1 THEN prediction_id END AS prediction_id"
    return f"SELECT row, {_OUTCOME} AS outcome, {which} FROM ({found}) ORDER BY row"  # noqa: S608


def _by_id(predictions: str) -> str:
    """By prediction id; where a row has none, by request."""
    return f"""
        WITH named AS (SELECT row, prediction_id FROM asked WHERE prediction_id IS NOT NULL),
        p AS (SELECT DISTINCT prediction_id, 1 AS number FROM ({predictions}) SEMI JOIN named USING (prediction_id)),
        a AS (SELECT row, request_id, request_row FROM asked WHERE prediction_id IS NULL),
        r AS (
            SELECT request_id, request_row, any_value(prediction_id) AS prediction_id, count(*) AS number
            FROM ({predictions}) SEMI JOIN a USING (request_id, request_row) GROUP BY request_id, request_row)
        SELECT row, prediction_id, number FROM named LEFT JOIN p USING (prediction_id)
        UNION ALL
        SELECT row, prediction_id, number FROM a LEFT JOIN r USING (request_id, request_row)"""  # noqa: S608


def _by_key(predictions: str, key: str, kind: str) -> str:
    """Of several predictions at the same time none is the latest; what was asked for by version is nobody's answer."""
    return f"""
        WITH a AS (SELECT row, TRY_CAST(key AS {kind}) AS key, event_at FROM asked),
        p AS (
            SELECT * FROM (SELECT {key} AS key, event_at, prediction_id FROM ({predictions}) WHERE role <> 'pinned')
            SEMI JOIN a USING (key)),
        at_once AS (
            SELECT key, event_at, any_value(prediction_id) AS prediction_id, count(*) AS number
            FROM p GROUP BY key, event_at),
        ever AS (SELECT key, any_value(prediction_id) AS prediction_id, count(*) AS number FROM p GROUP BY key)
        SELECT a.row, prediction_id, number FROM (SELECT * FROM a WHERE event_at IS NOT NULL) a
            ASOF LEFT JOIN at_once ON a.key = at_once.key AND a.event_at >= at_once.event_at
        UNION ALL
        SELECT a.row, prediction_id, number FROM (SELECT * FROM a WHERE event_at IS NULL) a LEFT JOIN ever USING (key)
        """  # noqa: S608


def _key_columns(tables: LogTables, wanted: Match) -> tuple[str, str]:
    """The key as SQL over the log, and its type: text, where versions differ in what they take."""
    if wanted.key == "unit":
        return "unit", "VARCHAR"
    schema = tables.schema("predictions", wanted.endpoint)
    columns = [column for column in schema if field_name(column) == f"input.{wanted.key}"]
    if not columns:
        inputs = ", ".join(name.removeprefix("input.") for name in schema.names if name.startswith("input."))
        raise InvalidInputError(
            f"the log of {wanted.endpoint!r} has no input {wanted.key!r} to match by; there is: unit, {inputs}"
        )
    if len(columns) == 1 and pa.types.is_integer(columns[0].type):
        return quoted(columns[0].name), "BIGINT"
    if len(columns) == 1 and pa.types.is_floating(columns[0].type):
        return quoted(columns[0].name), "DOUBLE"
    return f"coalesce({', '.join(f'CAST({quoted(column.name)} AS VARCHAR)' for column in columns)})", "VARCHAR"
