"""Rows that are counted and wait for their commit to the log, by table, and when to commit.

Held by the collector. A commit makes files, so a quiet table commits seldom: the wait doubles up to a minute while
commits stay small, and falls back as soon as there is traffic.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pyarrow as pa

from interlock.predictions.delta_log import DeltaLog, Kind
from interlock.predictions.log_schema import place

# So many rows are worth a file of their own. The shortest wait is what labels and paired scoring lag behind when busy.
_ROWS = 5000
_SHORTEST_SECONDS, _LONGEST_SECONDS = 5.0, 60.0
# Commits smaller than this are what makes a table of many small files.
_SMALL_ROWS = 500

SegmentKey = tuple[str, int]
"""Spool and sequence of a segment."""


@dataclass(slots=True)
class WaitingRows:
    """Rows of one table.

    Args:
        kind, endpoint: The table.
        tables: Rows, with columns by the names of contracts.
        segments: Which segments they come from.
        since: When the oldest came.
        wait_seconds: How long the oldest may wait, adapting.
    """

    kind: Kind
    endpoint: str
    tables: list[pa.Table] = field(default_factory=list)
    segments: list[SegmentKey] = field(default_factory=list)
    since: datetime | None = None
    wait_seconds: float = _SHORTEST_SECONDS

    @property
    def rows(self) -> int:
        """How many wait."""
        return sum(table.num_rows for table in self.tables)

    def add(self, segment: SegmentKey, table: pa.Table, now: datetime) -> None:
        """Let rows of a segment wait."""
        self.tables.append(table)
        self.segments.append(segment)
        self.since = self.since or now

    def is_due(self, now: datetime) -> bool:
        """Whether it is time to commit."""
        if self.since is None:
            return False
        return self.rows >= _ROWS or now - self.since >= timedelta(seconds=self.wait_seconds)

    def commit(self, log: DeltaLog) -> set[SegmentKey]:
        """Append everything that waits in one commit.

        Returns:
            The segments whose rows are now in the table.

        Raises:
            ConflictError: The table has some of them already; nothing was written.
        """
        upto: dict[str, int] = defaultdict(int)
        for spool, sequence in self.segments:
            upto[spool] = max(upto[spool], sequence)
        log.append(self.kind, self.endpoint, _merged(self.tables, log.schema(self.kind, self.endpoint)), upto)
        adapted = self.wait_seconds * 2 if self.rows < _SMALL_ROWS else _SHORTEST_SECONDS
        self.wait_seconds = min(adapted, _LONGEST_SECONDS)
        done = set(self.segments)
        self.tables, self.segments, self.since = [], [], None
        return done


def _merged(tables: list[pa.Table], present: pa.Schema) -> pa.Table:
    """One table with a column for every field of every version."""
    placed = []
    for table in tables:
        schema = place(present, table.schema)
        known = set(present.names)
        present = pa.schema([*present, *(column for column in schema if column.name not in known)])
        placed.append(table.rename_columns(schema.names).cast(schema))
    return pa.concat_tables(placed, promote_options="default")
