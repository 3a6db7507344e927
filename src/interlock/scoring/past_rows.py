"""Logged rows of a range of time with the label that counts for each, a batch at a time.

Called by replays. However long the range, memory holds one batch, and what DuckDB needs to join labels; beyond its
limit it goes to the scratch folder. Requests of the role `pinned` are left out: they were never evidence.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from interlock.predictions.joined import EVENLY_LABELLED, joined
from interlock.predictions.log_schema import TIME, field_name
from interlock.predictions.log_tables import LogTables
from interlock.predictions.relations import quoted, text

BATCH_ROWS = 16_384

# Rows are chosen by a hash of their id, to so many parts.
_PARTS = 1_000_003


@dataclass(frozen=True, slots=True)
class Extent:
    """Rows that there are, and the first and the last time of their events, in microseconds since 1970."""

    rows: int
    first_us: int
    last_us: int

    @property
    def span_us(self) -> int:
        return self.last_us - self.first_us


class PastRows:
    """Rows of one endpoint.

    Args:
        root: Root of the log.
        endpoint: Its name.
        since, until: Range of `event_at`, the end excluded.
        fields: Inputs and outputs to read, `input.age`.
        scratch: A folder for what does not fit into memory.
        memory: What DuckDB may use.
    """

    def __init__(
        self,
        root: Path,
        endpoint: str,
        *,
        since: datetime | None,
        until: datetime | None,
        fields: Collection[str],
        scratch: Path,
        memory: str = "512MB",
    ) -> None:
        self._tables = LogTables(root, memory=memory)
        self._tables.database.execute(f"SET temp_directory = {text(str(scratch / 'spilled'))}")
        self._endpoint, self._since, self._until, self._fields = endpoint, since, until, fields

    @property
    def tables(self) -> LogTables:
        """For sums over what was found."""
        return self._tables

    def close(self) -> None:
        """Free the connection."""
        self._tables.close()

    def extent(self) -> Extent:
        """How many rows there are, and when their events were."""
        times = "epoch_us(min(event_at)) AS first, epoch_us(max(event_at)) AS last"
        found = self._tables.query(f"SELECT count(*) AS n, {times} FROM ({self._all()})").to_pylist()[0]  # noqa: S608
        return Extent(found["n"], found["first"] or 0, found["last"] or 0)

    def batches(self, extent: Extent, limit: int | None) -> Iterator[pa.Table]:
        """Read the rows.

        Args:
            extent: Of these rows.
            limit: At most so many, chosen evenly over the range by their ids: always the same ones.

        Yields:
            `prediction_id`, `version`, `event_us`, `unit` (a hash, of 64 bits), `withheld` where the table has it, the
            fields, and `label` (text) and `label_number`, null where none came.
        """
        rows = self._all()
        if limit is not None and limit < extent.rows:
            part = max(1, round(limit / extent.rows * _PARTS))
            rows = f"SELECT * FROM ({rows}) WHERE hash(prediction_id) % {_PARTS} < {part} LIMIT {limit}"  # noqa: S608
        reader = self._tables.database.sql(self._selected(rows)).to_arrow_reader(BATCH_ROWS)
        schema = _named(reader.schema, self._tables.columns("predictions", self._endpoint))
        for batch in reader:
            yield pa.Table.from_batches([batch]).cast(schema)

    def _all(self) -> str:
        rows = self._tables.predictions(self._endpoint, self._since, self._until)
        return f"SELECT * FROM ({rows}) WHERE role IS DISTINCT FROM 'pinned'"  # noqa: S608

    def _selected(self, rows: str) -> str:
        present = self._tables.columns("predictions", self._endpoint)
        named = [column.name for column in present if field_name(column) in self._fields]
        whole = [name for name in ("prediction_id", "version", "withheld") if name in present.names]
        columns = ", ".join(map(quoted, (*whole, *named)))
        if self._tables.log.table("labels", self._endpoint) is None:
            labelled, label = rows, "NULL::VARCHAR AS label, NULL::DOUBLE AS label_number"
        else:
            span = self._tables.span(self._endpoint, self._since, self._until)
            wanted = ("label_text", "label_number")
            labelled = joined(self._tables, self._endpoint, rows, [], span=span, wanted=wanted)
            label = ", ".join(
                f"CASE WHEN {EVENLY_LABELLED} THEN {column} END AS {name}"
                for column, name in (("label_text", "label"), ("label_number", "label_number"))
            )
        return f"SELECT {columns}, epoch_us(event_at) AS event_us, hash(unit) AS unit, {label} FROM ({labelled})"  # noqa: S608


def _named(found: pa.Schema, table: pa.Schema) -> pa.Schema:
    """What DuckDB gives, with the table's types and its metadata that say which field a column holds."""
    known = {field.name: field for field in table if field.name != "unit"}
    return pa.schema(
        known.get(field.name, field.with_type(TIME) if pa.types.is_timestamp(field.type) else field) for field in found
    )
