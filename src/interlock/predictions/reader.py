"""Reads the log: predictions with their labels, and both versions' answers to the same rows.

Used by releases, monitoring and paired scoring. Reads only what the present version of each Delta table holds; an
endpoint that has no table yet gives empty results with the same columns. Computes nothing but joins.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

import pyarrow as pa
from deltalake import DeltaTable

from interlock.predictions import commits
from interlock.predictions.delta_log import DeltaLog, Kind
from interlock.predictions.log_schema import LABELS, PREDICTIONS, SCORES, TIME, logical
from interlock.predictions.relations import connect, latest_labels, quoted, relation

_BASE = {"predictions": PREDICTIONS, "labels": LABELS, "scores": SCORES}
# The reader lives inside a controller that must stay small; beyond this DuckDB spills to disk.
_MEMORY = "512MB"

_LABELLED = (
    "prediction_id", "request_id", "request_row", "unit", "assigned_version", "version", "role", "attempt_status",
    "release_id", "step", "event_at", "at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LabelStats:
    """Counts of one endpoint: labels that came, predictions with a label, labels that match no prediction (yet)."""

    labels: int
    labelled: int
    unmatched: int


class LogReader:
    """Reads the tables below one folder. Several threads may use it; they take turns.

    Args:
        root: As for `DeltaLog`.
    """

    def __init__(self, root: Path) -> None:
        self._log = DeltaLog(root)
        self._database = connect(memory=_MEMORY)
        self._lock = Lock()

    def close(self) -> None:
        """Free the connection."""
        self._database.close()

    def labelled(self, endpoint: str, *, since: datetime | None = None, until: datetime | None = None) -> pa.Table:
        """Predictions with the label that counts, of those that have one.

        Args:
            endpoint: Its name.
            since, until: Range of `event_at`, the end excluded.

        Returns:
            The columns of the log that name and place a prediction, `output.<name>`, and of the label `label` (as text:
            `late`, `true`, `3`), `label_number`, `observed_at`, `labelled_at` (when it came), `source` and `weight`.
        """
        outputs = [name for name in self._columns("predictions", endpoint).names if name.startswith("output.")]
        columns = ", ".join(f"p.{quoted(name)}" for name in (*_LABELLED, *outputs))
        return self._query(f"""
            WITH p AS MATERIALIZED ({self._predictions(endpoint, since, until)}),
            given AS ({self._relation("labels", endpoint)}),
            l AS ({latest_labels("p", "given")})
            SELECT {columns},
                l.label_text AS label, l.label_number, l.observed_at, l."at" AS labelled_at, l.source, l.weight
            FROM p JOIN l USING (prediction_id) ORDER BY p.event_at, p.prediction_id""")  # noqa: S608

    def paired(self, endpoint: str, release_id: str) -> pa.Table:
        """Rows answered during a release that the other version has scored, with the answers of both.

        Returns:
            `prediction_id`, `unit`, `event_at`, `step`, `champion.<output>`, `challenger.<output>`, `champion_status`,
            `challenger_status` (ok, or why there is no answer; where the champion answered for a failing challenger,
            that failure), `label`, `label_number` and `observed_at`, null where no label came yet.
        """
        predictions, scores = self._columns("predictions", endpoint), self._columns("scores", endpoint)
        outputs = dict.fromkeys(name for name in (*predictions.names, *scores.names) if name.startswith("output."))
        answers = ", ".join(_answers(name, predictions, scores) for name in outputs)
        return self._query(
            f"""
            WITH p AS MATERIALIZED (
                SELECT * FROM ({self._relation("predictions", endpoint, release_id)})
                WHERE release_id = $release AND role IN ('champion', 'challenger')),
            s AS (
                SELECT DISTINCT ON (prediction_id) * FROM ({self._relation("scores", endpoint, release_id)})
                WHERE release_id = $release ORDER BY prediction_id, "at" DESC),
            given AS ({self._relation("labels", endpoint)}),
            l AS ({latest_labels("p", "given")})
            SELECT p.prediction_id, p.unit, p.event_at, p.step, {answers + ", " if answers else ""}
                CASE WHEN p.role = 'challenger' THEN s.status ELSE 'ok' END AS champion_status,
                CASE WHEN p.role = 'challenger' THEN 'ok'
                     WHEN p.assigned_version <> p.version THEN p.attempt_status
                     ELSE s.status END AS challenger_status,
                l.label_text AS label, l.label_number, l.observed_at
            FROM p JOIN s USING (prediction_id) LEFT JOIN l USING (prediction_id)
            ORDER BY p.event_at, p.prediction_id""",  # noqa: S608
            {"release": release_id},
        )

    def new_rows(self, endpoint: str, after_version: int | None) -> tuple[int, pa.Table]:
        """Predictions that were committed after a version of the table.

        Args:
            endpoint: Its name.
            after_version: The last version seen, or None for all rows.

        Returns:
            The present version (-1 before the first commit), and the rows with all columns of the table but `date`. If
            the history since then is gone (upkeep keeps some thousand commits), that is all rows, also those seen.
        """
        table = self._log.table("predictions", endpoint)
        if table is None:
            return -1, self._query(f"SELECT * EXCLUDE (date) FROM ({relation([], PREDICTIONS)})")  # noqa: S608
        version = table.version()
        files = commits.files_of(table) if after_version is None else _added(table, after_version, version)
        schema = self._schema("predictions", endpoint)
        rows = self._query(f"SELECT * EXCLUDE (date) FROM ({relation([str(file) for file in files], schema)})")  # noqa: S608
        # With the metadata that says which field a column holds.
        return version, rows.cast(pa.schema([logical(schema).field(name) for name in rows.column_names]))

    def label_stats(self, endpoint: str) -> LabelStats:
        """Count labels and what they match."""
        found = self._query(f"""
            WITH p AS MATERIALIZED (
                SELECT prediction_id, request_id, request_row FROM ({self._relation("predictions", endpoint)})),
            given AS MATERIALIZED ({self._relation("labels", endpoint)}),
            l AS ({latest_labels("p", "given")})
            SELECT (SELECT count(*) FROM given) AS labels, (SELECT count(*) FROM l) AS labelled,
                (SELECT count(*) FROM given g WHERE g.prediction_id IS NOT NULL
                    AND g.prediction_id NOT IN (SELECT prediction_id FROM p)) +
                (SELECT count(*) FROM given g ANTI JOIN p USING (request_id, request_row)
                    WHERE g.prediction_id IS NULL) AS unmatched""")  # noqa: S608
        return LabelStats(**found.to_pylist()[0])

    def _schema(self, kind: Kind, endpoint: str) -> pa.Schema:
        schema = self._log.schema(kind, endpoint)
        return schema if schema.names else _BASE[kind]

    def _columns(self, kind: Kind, endpoint: str) -> pa.Schema:
        """Columns of a relation of these tables."""
        return logical(self._schema(kind, endpoint))

    def _relation(self, kind: Kind, endpoint: str, release_id: str | None = None) -> str:
        where = [("release_id", "=", release_id)] if release_id is not None else []
        return relation(self._log.files(kind, endpoint, where=where), self._schema(kind, endpoint))

    def _predictions(self, endpoint: str, since: datetime | None, until: datetime | None) -> str:
        days = [("date", sign, _date(time)) for sign, time in ((">=", since), ("<=", until)) if time is not None]
        files = self._log.files("predictions", endpoint, where=days)
        within = [
            f"event_at {sign} make_timestamptz({_microseconds(time)})"
            for sign, time in ((">=", since), ("<", until))
            if time is not None
        ]
        source = relation(files, self._schema("predictions", endpoint))
        return f"SELECT * FROM ({source}) WHERE {' AND '.join(within) or 'true'}"  # noqa: S608

    def _query(self, sql: str, parameters: dict[str, str] | None = None) -> pa.Table:
        with self._lock:
            table = self._database.sql(sql, params=parameters).to_arrow_table()
        times = [pa.field(f.name, TIME if pa.types.is_timestamp(f.type) else f.type) for f in table.schema]
        return table.cast(pa.schema(times))


def _answers(output: str, predictions: pa.Schema, scores: pa.Schema) -> str:
    """Both versions' columns of one output: who answered has it in the log, the other in the scores."""
    logged = f"p.{quoted(output)}" if output in predictions.names else "NULL"
    scored = f"s.{quoted(output)}" if output in scores.names else "NULL"
    name = output.removeprefix("output.")
    return f"""
        CASE WHEN p.role = 'challenger' THEN {scored} ELSE {logged} END AS {quoted(f"champion.{name}")},
        CASE WHEN p.role = 'challenger' THEN {logged} ELSE {scored} END AS {quoted(f"challenger.{name}")}"""


def _added(table: DeltaTable, after: int, upto: int) -> list[Path]:
    """Files that commits added with new rows; every file, if upkeep has removed such commits or files by now."""
    root = commits.folder_of(table)
    try:
        found = [file for version in range(after + 1, upto + 1) for file in commits.read(root, version).new]
    except FileNotFoundError:
        return commits.files_of(table)
    return found if all(file.exists() for file in found) else commits.files_of(table)


def _date(time: datetime) -> str:
    return time.astimezone(UTC).date().isoformat()


def _microseconds(time: datetime) -> int:
    return round(time.timestamp() * 1_000_000)
