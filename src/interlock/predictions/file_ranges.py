"""What the files of a table hold, from the statistics in its Delta log: which of them a query need not open.

Prediction ids begin with the time at which they were made, so labels of a window stand in few files however long the
log is. Nothing here opens a Parquet file. A file without statistics is never left out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable

from interlock.predictions.delta_log import DeltaLog, Kind

Statistics = dict[str, Any]
"""Of one file: `min.COLUMN`, `max.COLUMN`, `null_count.COLUMN`, `num_records`, `partition.COLUMN`; absent or None where
unknown."""


_LOW, _HIGH = "min.prediction_id", "max.prediction_id"


@dataclass(frozen=True, slots=True)
class FeedbackFiles:
    """Files of labels, decisions or rewards. `by_request`: whether any row in them names a request."""

    files: list[str]
    by_request: bool


def id_span(table: DeltaTable, keep: Callable[[Statistics], bool]) -> tuple[str, str] | None:
    """The smallest and the largest prediction id in the files to keep.

    Returns:
        None if there are no such files, or not all of them say.
    """
    found = [each for each in _statistics(table) if keep(each)]
    spans = [(str(each[_LOW]), str(each[_HIGH])) for each in found if each.get(_LOW) and each.get(_HIGH)]
    if not found or len(spans) < len(found):
        return None
    return min(low for low, _ in spans), max(high for _, high in spans)


def of_days(since: datetime | None, until: datetime | None) -> Callable[[Statistics], bool]:
    """Files of a predictions table with any event of these days."""
    first = since.date() if since else date.min
    last = until.date() if until else date.max
    return lambda file: first <= (file.get("partition.date") or first) <= last


def of_release(release_id: str) -> Callable[[Statistics], bool]:
    """Files of a predictions table that may hold rows of a release."""

    def keep(file: Statistics) -> bool:
        low, high = file.get("min.release_id"), file.get("max.release_id")
        is_empty = file.get("null_count.release_id") == file.get("num_records")
        return low <= release_id <= high if low is not None and high is not None else not is_empty

    return keep


def feedback_files(log: DeltaLog, kind: Kind, endpoint: str, span: tuple[str, str] | None) -> FeedbackFiles:
    """The files that may hold rows of predictions in a span of ids.

    Args:
        log: The log.
        kind: `labels`, `decisions` or `rewards`.
        endpoint: Whose.
        span: As of `id_span`; None for all.
    """
    table = log.table(kind, endpoint)
    if table is None:
        return FeedbackFiles([], by_request=False)
    kept, by_request, root = [], False, _root(table)
    for file in _statistics(table):
        names_requests = file.get("null_count.prediction_id") != 0
        if names_requests or _overlaps(file, span):
            kept.append(str(root / file["path"]))
            by_request |= names_requests
    return FeedbackFiles(kept, by_request)


def files_with_ids(table: DeltaTable, span: tuple[str, str]) -> list[str]:
    """Files of a predictions table that may hold ids of a span."""
    root = _root(table)
    return [str(root / file["path"]) for file in _statistics(table) if _overlaps(file, span)]


def newest(table: DeltaTable, column: str) -> datetime | None:
    """The latest time in a column, or None where no file says."""
    found = [each.get(f"max.{column}") for each in _statistics(table)]
    return max((each for each in found if each is not None), default=None)


def _root(table: DeltaTable) -> Path:
    return Path(table.table_uri.removeprefix("file://"))


def _overlaps(file: Statistics, span: tuple[str, str] | None) -> bool:
    low, high = file.get(_LOW), file.get(_HIGH)
    return span is None or low is None or high is None or (low <= span[1] and span[0] <= high)


def _statistics(table: DeltaTable) -> list[Statistics]:
    found: list[Statistics] = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    return found
