"""Which days of an endpoint look different than they did: labels have come, or predictions that were late themselves.

Called by monitoring, which has said something of those days. It reads the rows that came since, and of the predictions
only the files that may hold theirs.
"""

from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
from deltalake import DeltaTable

from interlock.predictions import commits, file_ranges
from interlock.predictions.log_schema import LABELS
from interlock.predictions.log_tables import LogTables
from interlock.predictions.relations import relation


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """How far both tables have been looked at, as versions of them; -1 before the first."""

    labels: int = -1
    predictions: int = -1


def seen_now(tables: LogTables, endpoint: str) -> Seen:
    """The versions of now."""
    labels, predictions = (tables.log.version(kind, endpoint) for kind in ("labels", "predictions"))
    return Seen(labels=-1 if labels is None else labels, predictions=-1 if predictions is None else predictions)


def changed_days(tables: LogTables, endpoint: str, since: Seen, upto: Seen) -> set[datetime]:
    """Days (UTC, of the event) that got predictions, or labels of their predictions, between two looks."""
    predictions, labels = (tables.log.table(kind, endpoint) for kind in ("predictions", "labels"))
    days: set[date] = set()
    if predictions is not None and upto.predictions > since.predictions:
        days |= _days_of(_new(predictions, since.predictions, upto.predictions))
    if predictions is not None and labels is not None and upto.labels > since.labels:
        days |= _labelled(tables, endpoint, predictions, _new(labels, since.labels, upto.labels))
    return {datetime(day.year, day.month, day.day, tzinfo=UTC) for day in days}


def _new(table: DeltaTable, after: int, upto: int) -> list[str]:
    return [str(file) for file in commits.new_files(table, after, upto)]


def _days_of(files: list[str]) -> set[date]:
    folders = {Path(file).parent.name for file in files}
    return {date.fromisoformat(name.removeprefix("date=")) for name in folders if name.startswith("date=")}


def _labelled(tables: LogTables, endpoint: str, predictions: DeltaTable, files: list[str]) -> set[date]:
    new = f"(SELECT prediction_id, request_id, request_row FROM ({relation(files, LABELS)}))"  # noqa: S608
    (span,) = tables.query(f"""
        SELECT min(prediction_id) AS low, max(prediction_id) AS high, coalesce(bool_or(prediction_id IS NULL), false)
            AS by_request FROM {new} g""").to_pylist()  # noqa: S608
    parts = []
    if span["low"] is not None:
        named = file_ranges.files_with_ids(predictions, (span["low"], span["high"]))
        parts.append((named, "prediction_id"))
    if span["by_request"]:
        parts.append((predictions.file_uris(), "request_id, request_row"))
    schema = tables.schema("predictions", endpoint)
    found: set[date] = set()
    for kept, key in parts:
        rows = f"SELECT DISTINCT date FROM ({relation(kept, schema)}) SEMI JOIN {new} g USING ({key})"  # noqa: S608
        found |= set(tables.query(rows)["date"].to_pylist())
    return found
