"""Labels in the order in which they teach, each with the logged row that it belongs to.

Called by online learners. The order is that of the commits to the table of labels, and within a commit that in which
the labels were accepted; it follows from the rows alone, so whoever reads again reads the same. Labels that came before
their prediction are held until it is there. It learns nothing and refuses nothing: what may teach is for
`online_bounds` to say.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from interlock.domain.learner import Cursor
from interlock.predictions import commits, file_ranges
from interlock.predictions.log_schema import LABELS, PREDICTIONS, logical
from interlock.predictions.log_tables import LogTables
from interlock.predictions.relations import relation

_MEMORY = "512MB"
_NAMES = ("prediction_id", "request_id", "request_row", "label_text", "label_number", "observed_at", "at", "source")
_COLUMNS = ", ".join(f'"{name}"' for name in (*_NAMES, "batch_row"))
_ORDER = '"at", batch_row, prediction_id, request_id, request_row, source, label_text'


class SaidLabel(msgspec.Struct, frozen=True, array_like=True):
    """One row of the table of labels. `batch_row`: its place among those that were accepted together."""

    prediction_id: str | None
    request_id: str | None
    request_row: int | None
    label_text: str | None
    label_number: float | None
    observed_at: datetime
    at: datetime
    source: str
    batch_row: int | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """What was read.

    Args:
        said: Labels in order: first those that were held, then the new ones.
        held: How many of them were held.
        rows: Logged rows; `n` says to which label of `said` each belongs. In order of `n`.
        earlier: What had been said before of the predictions that the new labels mean, by prediction.
        cursor: How far the labels are read now.
        has_gap: Whether commits were gone: labels that were committed late may be missing.
    """

    said: list[SaidLabel]
    held: int
    rows: pa.Table
    earlier: Mapping[str, list[SaidLabel]]
    cursor: Cursor
    has_gap: bool = False


class OnlineFeed:
    """Reads the labels of one endpoint.

    Args:
        root: Root of the log.
        endpoint: Whose.
    """

    def __init__(self, root: Path, endpoint: str) -> None:
        self._tables, self._endpoint = LogTables(root, memory=_MEMORY), endpoint

    def close(self) -> None:
        """Free the connection."""
        self._tables.close()

    def read(self, cursor: Cursor, held: Sequence[SaidLabel], most: int) -> Batch:
        """Read what has come since a cursor.

        Args:
            cursor: How far it was read before.
            held: Labels that wait for their prediction.
            most: New labels to read.
        """
        new, after, has_gap = self._new(cursor, most)
        said = [*held, *new]
        rows = self._rows(said)
        return Batch(said, len(held), rows, self._earlier(cursor, new, rows, len(held)), after, has_gap)

    def rows(self, ids: Sequence[str]) -> pa.Table:
        """Logged rows of predictions, in the order of `ids` (column `n`); those that are not there are left out."""
        blank: Any = {name: None for name in LABELS.names}
        return self._rows([msgspec.convert({**blank, "prediction_id": id}, _Named) for id in ids])

    def newest(self) -> Cursor:
        """The cursor of somebody who has read everything."""
        version = self._tables.log.version("labels", self._endpoint)
        return Cursor(version=-1 if version is None else version)

    def waiting(self, cursor: Cursor) -> int:
        """How many labels of the log are beyond a cursor; -1 where it is too far behind to say."""
        table = self._tables.log.table("labels", self._endpoint)
        if table is None:
            return 0
        try:
            new = commits_since(table, cursor.version)
        except FileNotFoundError:
            return -1
        files = [str(file) for found in new.values() for file in found]
        if not files:
            return 0
        counted = self._tables.query(f"SELECT count(*) AS rows FROM ({relation(files, LABELS)})")  # noqa: S608
        return max(0, int(counted["rows"][0].as_py()) - cursor.offset)

    # Labels.

    def _new(self, cursor: Cursor, most: int) -> tuple[list[SaidLabel], Cursor, bool]:
        table = self._tables.log.table("labels", self._endpoint)
        if table is None:
            return [], cursor, False
        try:
            new = commits_since(table, cursor.version)
        except FileNotFoundError:
            return (*self._after_gap(table, cursor, most), True)
        found: list[SaidLabel] = []
        version, offset = cursor.version, cursor.offset
        for number, files in new.items():
            part = self._of_commit(files, offset, most - len(found)) if files else []
            found += part
            if len(found) >= most:
                offset += len(part)
                break
            version, offset = number, 0
        return found, _moved(cursor, version, offset, found), False

    def _of_commit(self, files: Sequence[Path], offset: int, most: int) -> list[SaidLabel]:
        source = relation([str(file) for file in files], LABELS)
        return self._said(f"SELECT {_COLUMNS} FROM ({source}) ORDER BY {_ORDER} LIMIT {most} OFFSET {offset}")  # noqa: S608

    def _after_gap(self, table: DeltaTable, cursor: Cursor, most: int) -> tuple[list[SaidLabel], Cursor]:
        """What was accepted after the newest label that was read, where the commits since then are gone."""
        source = relation([str(file) for file in commits.files_of(table)], LABELS)
        after = f"WHERE \"at\" > TIMESTAMPTZ '{cursor.at.isoformat()}'" if cursor.at is not None else ""
        last = f'SELECT max("at") FROM (SELECT "at" FROM g ORDER BY "at" LIMIT {most})'  # noqa: S608
        found = self._said(
            f"WITH g AS (SELECT {_COLUMNS} FROM ({source}) {after}) "  # noqa: S608
            f'SELECT * FROM g WHERE "at" <= ({last}) ORDER BY {_ORDER}'
        )
        is_all = len(found) < most
        return found, _moved(cursor, table.version() if is_all else cursor.version, 0, found)

    def _said(self, sql: str) -> list[SaidLabel]:
        return [SaidLabel(**row) for row in self._tables.query(sql).to_pylist()]

    # Rows.

    def _rows(self, said: "Sequence[SaidLabel | _Named]") -> pa.Table:
        table = self._tables.log.table("predictions", self._endpoint)
        schema = self._tables.schema("predictions", self._endpoint) if table is not None else PREDICTIONS
        files = self._files(table, said) if table is not None else []
        self._register(said)
        source = relation(files, schema)
        found = self._tables.query(
            f"""
            WITH p AS (SELECT * EXCLUDE (date) FROM ({source}))
            SELECT s.n, p.* FROM p JOIN said s ON p.prediction_id = s.prediction_id
            UNION ALL
            SELECT s.n, p.* FROM p JOIN said s ON p.request_id = s.request_id AND p.request_row = s.request_row
            WHERE s.prediction_id IS NULL
            ORDER BY s.n, p.prediction_id"""  # noqa: S608
        )
        kinds = logical(schema)
        # With the metadata that says which field a column holds.
        return found.cast(pa.schema([found.schema.field("n"), *(kinds.field(name) for name in found.column_names[1:])]))

    def _files(self, table: DeltaTable, said: "Sequence[SaidLabel | _Named]") -> list[str]:
        if any(each.prediction_id is None for each in said):
            return [str(file) for file in commits.files_of(table)]
        ids = [str(each.prediction_id) for each in said]
        return file_ranges.files_with_ids(table, (min(ids), max(ids))) if ids else []

    def _register(self, said: "Sequence[SaidLabel | _Named]") -> None:
        table = pa.table(
            {
                "n": pa.array(range(len(said)), pa.int32()),
                "prediction_id": pa.array([each.prediction_id for each in said], pa.string()),
                "request_id": pa.array([each.request_id for each in said], pa.string()),
                "request_row": pa.array([each.request_row for each in said], pa.int32()),
            }
        )
        self._tables.database.register("said", table)

    # What was said before.

    def _earlier(
        self, cursor: Cursor, new: Sequence[SaidLabel], rows: pa.Table, held: int
    ) -> Mapping[str, list[SaidLabel]]:
        """What had been said, before the cursor, of predictions that new labels mean."""
        source = self._before(cursor)
        if source is None or not new:
            return {}
        fresh = rows.filter(pa.compute.greater_equal(rows["n"], held))
        ids = {each.prediction_id for each in new if each.prediction_id is not None} | set(
            fresh["prediction_id"].to_pylist()
        )
        pairs = set(zip(fresh["request_id"].to_pylist(), fresh["request_row"].to_pylist(), strict=True))
        pairs |= {(each.request_id, each.request_row) for each in new if each.prediction_id is None}
        named = pa.table(
            {
                "request_id": pa.array([pair[0] for pair in pairs], pa.string()),
                "request_row": pa.array([pair[1] for pair in pairs], pa.int32()),
            }
        )
        self._tables.database.register("ids", pa.table({"prediction_id": pa.array(sorted(ids), pa.string())}))
        self._tables.database.register("named", named)
        found = self._said(
            f"""
            WITH g AS (SELECT {_COLUMNS} FROM ({source}))
            SELECT g.* FROM g SEMI JOIN ids USING (prediction_id)
            UNION ALL SELECT g.* FROM g SEMI JOIN named USING (request_id, request_row)
            WHERE g.prediction_id IS NULL"""  # noqa: S608
        )
        return _by_prediction(found, fresh)

    def _before(self, cursor: Cursor) -> str | None:
        """A query of all labels before a cursor."""
        parts = []
        if cursor.version >= 0:
            parts.append(self._as_of(cursor))
        if cursor.offset:
            table = self._tables.log.table("labels", self._endpoint)
            assert table is not None
            files = next(iter(commits_since(table, cursor.version).values()))
            source = relation([str(file) for file in files], LABELS)
            parts.append(f"(SELECT * FROM ({source}) ORDER BY {_ORDER} LIMIT {cursor.offset})")  # noqa: S608
        return " UNION ALL BY NAME ".join(f"SELECT {_COLUMNS} FROM {part}" for part in parts) if parts else None  # noqa: S608

    def _as_of(self, cursor: Cursor) -> str:
        path = self._tables.log.path("labels", self._endpoint)
        try:
            files = commits.files_of(DeltaTable(path, version=cursor.version))
        except DeltaError:  # upkeep has removed what that version needs
            files = []
        if files and all(file.exists() for file in files):
            return f"({relation([str(file) for file in files], LABELS)})"
        at = cursor.at.isoformat() if cursor.at is not None else "-infinity"
        present = relation(self._tables.log.files("labels", self._endpoint), LABELS)
        return f"(SELECT * FROM ({present}) WHERE \"at\" <= TIMESTAMPTZ '{at}')"  # noqa: S608


class _Named(msgspec.Struct, frozen=True):
    """A prediction that is meant."""

    prediction_id: str | None
    request_id: str | None = None
    request_row: int | None = None


def commits_since(table: DeltaTable, version: int) -> dict[int, list[Path]]:
    """Files with new rows, by commit, of every commit after a version.

    Raises:
        FileNotFoundError: Some commit or file is gone.
    """
    root = commits.folder_of(table)
    found = {number: commits.read(root, number).new for number in range(version + 1, table.version() + 1)}
    for file in (file for files in found.values() for file in files):
        if not file.exists():
            raise FileNotFoundError(file)
    return found


def _moved(cursor: Cursor, version: int, offset: int, found: Sequence[SaidLabel]) -> Cursor:
    times = [each.at for each in found] + ([cursor.at] if cursor.at is not None else [])
    return Cursor(version=version, offset=offset, at=max(times, default=None))


def _by_prediction(found: Sequence[SaidLabel], rows: pa.Table) -> Mapping[str, list[SaidLabel]]:
    """Labels by the prediction that they mean; one that names a request means every prediction with that name."""
    carried = defaultdict(list)
    for id, request_id, row in zip(
        *(rows[name].to_pylist() for name in ("prediction_id", "request_id", "request_row")), strict=True
    ):
        carried[request_id, row].append(id)
    meant: dict[str, list[SaidLabel]] = defaultdict(list)
    for each in found:
        ids = [each.prediction_id] if each.prediction_id is not None else carried[each.request_id, each.request_row]
        for id in ids:
            meant[id].append(each)
    return meant
