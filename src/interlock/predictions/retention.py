"""Retention: rows older than an endpoint keeps them are dropped from the log, by whole days of the event.

Called by upkeep. Predictions go by their `date` and are dropped without reading them; labels and rewards by when they
were observed, as a rule not before their prediction, and scores by when they were made. Pinned versions keep theirs.
What was counted of them (profiles, gates, `logged` of the reconciliation) stays.
"""

from datetime import UTC, datetime, timedelta

from deltalake import DeltaTable

from interlock.predictions.delta_log import HOOKS, Kind
from interlock.predictions.log_schema import PARTITIONS


def drop(table: DeltaTable, kind: Kind, now: datetime, retention_days: int) -> int:
    """Drop what is older.

    Args:
        table: As it is now.
        kind: Its kind.
        now: Aware UTC.
        retention_days: Full days to keep, at least 1. The day that is under way is kept as well.

    Returns:
        How many rows were dropped.

    Raises:
        CommitFailedError: Somebody wrote at the same time; nothing was changed.
    """
    first = (now.astimezone(UTC) - timedelta(days=retention_days)).date()
    column = _time_column(table, kind)
    bound = first.isoformat() if column == "date" else f"{first.isoformat()}T00:00:00Z"
    found = table.delete(f"{column} < '{bound}'", post_commithook_properties=HOOKS)
    return int(found["num_deleted_rows"] or 0)


def _time_column(table: DeltaTable, kind: Kind) -> str:
    if PARTITIONS[kind]:
        return "date"
    return "observed_at" if "observed_at" in {field.name for field in table.schema().fields} else '"at"'
