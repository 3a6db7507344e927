"""Rows of the past that the champion of today answered, in the order of their answers, with what is known of them now.

Read for backtests. Rows that other versions answered, or that named a version, are left out: the candidate is to be the
champion with a fault, and nothing else.
"""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from interlock.backtest.report import BacktestTask
from interlock.domain.errors import ConflictError
from interlock.predictions.joined import EVENLY_LABELLED, joined
from interlock.predictions.log_tables import LogTables
from interlock.predictions.relations import quoted, text

_MEMORY = "512MB"
_OF_LABEL = {
    "label": "label_text",
    "label_number": "label_number",
    "observed_at": "observed_at",
    "labelled_at": "labelled_at",
}


@dataclass(frozen=True, slots=True)
class History:
    """Logged rows: all columns of the log, and `label`, `label_number`, `observed_at`, `labelled_at` (when it came)."""

    rows: pa.Table

    @property
    def labelled(self) -> int:
        return int(self.rows.num_rows - self.rows["labelled_at"].null_count)


def read(log: Path, task: BacktestTask, champion: str) -> History:
    """Read the newest rows of the time.

    Raises:
        ConflictError: The champion has answered none.
    """
    tables = LogTables(log, memory=_MEMORY)
    try:
        found = tables.query(_query(tables, task, champion))
        schema = tables.columns("predictions", task.endpoint)
    finally:
        tables.close()
    if found.num_rows == 0:
        raise ConflictError(f"{champion} has answered no logged row of {task.endpoint!r} in this time")
    fields = [schema.field(name) if name in schema.names else found.schema.field(name) for name in found.column_names]
    return History(found.cast(pa.schema(fields)))


def _query(tables: LogTables, task: BacktestTask, champion: str) -> str:
    source = tables.predictions(task.endpoint, task.since, task.until)
    own = f"version = {text(champion)} AND role = 'champion' AND attempt_status = 'ok'"
    rows = f'SELECT * FROM ({source}) WHERE {own} ORDER BY "at" DESC LIMIT {task.limit}'  # noqa: S608
    if tables.log.table("labels", task.endpoint) is None:
        nothing = "NULL::VARCHAR AS label, NULL::DOUBLE AS label_number"
        never = ", ".join(f"NULL::TIMESTAMPTZ AS {name}" for name in ("observed_at", "labelled_at"))
        return f'SELECT * EXCLUDE (date), {nothing}, {never} FROM ({rows}) ORDER BY "at", prediction_id'  # noqa: S608
    span = tables.span(task.endpoint, task.since, task.until)
    with_labels = joined(tables, task.endpoint, rows, [], span=span, wanted=tuple(_OF_LABEL.values()))
    known = ", ".join(f"CASE WHEN {EVENLY_LABELLED} THEN {source} END AS {name}" for name, source in _OF_LABEL.items())
    columns = ", ".join(
        f"{quoted(name)}" for name in tables.columns("predictions", task.endpoint).names if name != "date"
    )
    return f'SELECT {columns}, {known} FROM ({with_labels}) ORDER BY "at", prediction_id'  # noqa: S608
