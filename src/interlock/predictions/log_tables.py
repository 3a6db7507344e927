"""The log's tables in one DuckDB: the part that all readers in this process share.

An endpoint that has no table yet is an empty one with the same columns. Several threads may use it; they take turns.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

import pyarrow as pa

from interlock.predictions import file_ranges
from interlock.predictions.delta_log import DeltaLog, Kind
from interlock.predictions.log_schema import DECISIONS, LABELS, PREDICTIONS, REWARDS, SCORES, TELEMETRY, TIME, logical
from interlock.predictions.relations import Feedback, connect, relation, text

BASE: Mapping[Kind, pa.Schema] = {
    "predictions": PREDICTIONS,
    "labels": LABELS,
    "decisions": DECISIONS,
    "rewards": REWARDS,
    "scores": SCORES,
    "telemetry": TELEMETRY,
}

Span = tuple[str, str] | None
"""The first and the last prediction id of interest; None for all."""


class LogTables:
    """Makes SQL of tables, and runs it.

    `database` is the DuckDB, for those who have it to themselves.

    Args:
        root: As for `DeltaLog`.
        memory: What DuckDB may use; beyond it, it spills to disk.
    """

    def __init__(self, root: Path, *, memory: str) -> None:
        self.log = DeltaLog(root)
        self.database = connect(memory=memory)
        self._lock = Lock()

    def close(self) -> None:
        """Free the connection."""
        self.database.close()

    def schema(self, kind: Kind, endpoint: str) -> pa.Schema:
        """Columns of a table, also of one that is not there yet."""
        schema = self.log.schema(kind, endpoint)
        return schema if schema.names else BASE[kind]

    def columns(self, kind: Kind, endpoint: str) -> pa.Schema:
        """Columns of a relation of a table: as of `schema`, but a widened field is one of any numbers."""
        return logical(self.schema(kind, endpoint))

    def relation(self, kind: Kind, endpoint: str, *, release_id: str | None = None) -> str:
        """A query of a whole table, or of the files that may hold rows of a release."""
        where = [("release_id", "=", release_id)] if release_id is not None else []
        return relation(self.log.files(kind, endpoint, where=where), self.schema(kind, endpoint))

    def predictions(self, endpoint: str, since: datetime | None = None, until: datetime | None = None) -> str:
        """A query of the predictions whose `event_at` is in a range, the end excluded."""
        days = [("date", sign, _date(time)) for sign, time in ((">=", since), ("<=", until)) if time is not None]
        within = [
            f"event_at {sign} make_timestamptz({_microseconds(time)})"
            for sign, time in ((">=", since), ("<", until))
            if time is not None
        ]
        source = relation(self.log.files("predictions", endpoint, where=days), self.schema("predictions", endpoint))
        return f"SELECT * FROM ({source}) WHERE {' AND '.join(within) or 'true'}"  # noqa: S608

    def span(self, endpoint: str, since: datetime | None, until: datetime | None) -> Span:
        """Ids of the predictions in a range of `event_at`, if it is bounded."""
        table = self.log.table("predictions", endpoint) if since or until else None
        return file_ranges.id_span(table, file_ranges.of_days(_utc(since), _utc(until))) if table else None

    def span_of_release(self, endpoint: str, release_id: str) -> Span:
        """Ids of the predictions that may have been answered under a release."""
        table = self.log.table("predictions", endpoint)
        return file_ranges.id_span(table, file_ranges.of_release(release_id)) if table else None

    def latest(self, feedback: Feedback, endpoint: str, predictions: str, span: Span) -> str:
        """A query of the row that counts for each prediction, as `Feedback.latest`."""
        given, by_request = self.given(feedback, endpoint, span)
        return feedback.latest(predictions, given, by_request=by_request)

    def given(self, feedback: Feedback, endpoint: str, span: Span = None) -> tuple[str, bool]:
        """A query, in parentheses, of what may have been said of the predictions in a span; and whether by request."""
        found = file_ranges.feedback_files(self.log, feedback.kind, endpoint, span)
        rows = relation(found.files, self.schema(feedback.kind, endpoint))
        if span is not None and not found.by_request:
            # Leaves out parts of large files too.
            rows = f"SELECT * FROM ({rows}) WHERE prediction_id BETWEEN {text(span[0])} AND {text(span[1])}"  # noqa: S608
        return f"({rows})", found.by_request

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> pa.Table:
        """Run a query of ours. Times come in UTC."""
        with self._lock:
            table = self.database.sql(sql, params=dict(parameters) if parameters else None).to_arrow_table()
        times = [pa.field(f.name, TIME if pa.types.is_timestamp(f.type) else f.type) for f in table.schema]
        return table.cast(pa.schema(times))


def _utc(time: datetime | None) -> datetime | None:
    return time.astimezone(UTC) if time is not None else None


def _date(time: datetime) -> str:
    return time.astimezone(UTC).date().isoformat()


def _microseconds(time: datetime) -> int:
    return round(time.timestamp() * 1_000_000)
