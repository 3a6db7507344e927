"""Which predictions the rows of a file mean: by id, by the caller's request, or by a key of the caller's business.

Called in the process of `stream_job`. By key it is the latest prediction of that key at or before the event; where no
event has a time, the only one of that key. What fits several is `ambiguous` and is never guessed at. A privacy rule may
have hashed the key at any time, so it is looked for by its value and by its hash; of what a rule dropped nobody knows
the key, and so nobody knows which prediction was the latest.
"""

from dataclasses import dataclass

import pyarrow as pa

from interlock.domain.errors import InvalidInputError
from interlock.domain.privacy import withheld_sentence
from interlock.predictions.log_schema import field_name
from interlock.predictions.log_tables import LogTables
from interlock.predictions.parts import HASHED
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
        found = _by_key(rows, _key(tables, wanted, rows), has_hash="key_hash" in names)
    elif "prediction_id" in names or {"request_id", "request_row"} <= names:
        found = _by_id(rows)
    else:
        raise InvalidInputError("the rows must have prediction_id, or request_id and request_row, or key and event_at")
    absent = "".join(
        f", NULL AS {name}" for name in ("prediction_id", "request_id", "request_row", "key_hash") if name not in names
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


def _by_key(predictions: str, key: "_Key", *, has_hash: bool) -> str:
    """Of several predictions at the same time none is the latest; what was asked for by version is nobody's answer."""
    log = f"(SELECT *, {key.plain} AS plain, {key.hashed} AS hashed FROM ({predictions}) WHERE role <> 'pinned')"  # noqa: S608
    by_hash = f"""
            UNION
            SELECT h.key, event_at, prediction_id
            FROM {log} l JOIN (SELECT DISTINCT key, key_hash FROM asked) h ON l.hashed = h.key_hash"""  # noqa: S608
    return f"""
        WITH a AS (SELECT row, key, event_at FROM asked),
        p AS (
            SELECT v.key, event_at, prediction_id
            FROM {log} l JOIN (SELECT DISTINCT key, TRY_CAST(key AS {key.kind}) AS plain FROM asked) v USING (plain)
            {by_hash if has_hash and key.hashed != "NULL" else ""}),
        at_once AS (
            SELECT key, event_at, any_value(prediction_id) AS prediction_id, count(*) AS number
            FROM p GROUP BY key, event_at),
        ever AS (SELECT key, any_value(prediction_id) AS prediction_id, count(*) AS number FROM p GROUP BY key)
        SELECT a.row, prediction_id, number FROM (SELECT * FROM a WHERE event_at IS NOT NULL) a
            ASOF LEFT JOIN at_once ON a.key = at_once.key AND a.event_at >= at_once.event_at
        UNION ALL
        SELECT a.row, prediction_id, number FROM (SELECT * FROM a WHERE event_at IS NULL) a LEFT JOIN ever USING (key)
        """  # noqa: S608


@dataclass(frozen=True, slots=True)
class _Key:
    """A key as SQL over the log: its value, the value's type (text, where versions differ), and its hash."""

    plain: str
    kind: str
    hashed: str = "NULL"


def _key(tables: LogTables, wanted: Match, predictions: str) -> _Key:
    if wanted.key == "unit":
        return _Key("unit", "VARCHAR", "unit")
    name, schema = f"input.{wanted.key}", tables.schema("predictions", wanted.endpoint)
    columns = [column for column in schema if field_name(column) == name]
    hashed = quoted(f"{name}{HASHED}") if f"{name}{HASHED}" in schema.names else "NULL"
    _check_known(tables, name, hashed, predictions)
    if not columns and hashed == "NULL":
        inputs = ", ".join(name.removeprefix("input.") for name in schema.names if name.startswith("input."))
        raise InvalidInputError(
            f"the log of {wanted.endpoint!r} has no input {wanted.key!r} to match by; there is: unit, {inputs}"
        )
    if not columns:
        return _Key("NULL", "VARCHAR", hashed)
    if len(columns) == 1 and pa.types.is_integer(columns[0].type):
        return _Key(quoted(columns[0].name), "BIGINT", hashed)
    if len(columns) == 1 and pa.types.is_floating(columns[0].type):
        return _Key(quoted(columns[0].name), "DOUBLE", hashed)
    texts = ", ".join(f"CAST({quoted(column.name)} AS VARCHAR)" for column in columns)
    return _Key(f"coalesce({texts})", "VARCHAR", hashed)


def _check_known(tables: LogTables, name: str, hashed: str, predictions: str) -> None:
    """Raises InvalidInputError if a rule left no trace of some prediction's key: that one may be meant.

    Also where a rule hashes and the key was missing: the log does not tell that from a dropped one.
    """
    query = f"SELECT 1 FROM ({predictions}) WHERE list_contains(withheld, ?) AND {hashed} IS NULL LIMIT 1"  # noqa: S608
    if tables.database.execute(query, [name]).fetchone() is not None:
        why = f"{withheld_sentence([name])}, of some without a hash (dropped, or missing)"
        raise InvalidInputError(f"{why}, so rows cannot be matched by it; name predictions by id")
