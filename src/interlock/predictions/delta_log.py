"""The log: one Delta table per kind and endpoint, appended to exactly once.

Kinds are `predictions`, `labels`, `decisions`, `rewards` and `scores`; and `telemetry`, one table for all devices.
Written by the collector and by paired scoring, of several machines side by side, kept in order by upkeep, read by
everyone. An append carries application transactions (who wrote, up to which number), and one that is in already does
nothing. When it returns, its rows survive the machine.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Literal, get_args

import pyarrow as pa
from deltalake import (
    ColumnProperties,
    CommitProperties,
    DeltaTable,
    PostCommitHookProperties,
    Transaction,
    WriterProperties,
    write_deltalake,
)
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from interlock.domain.errors import ConflictError
from interlock.predictions import commits
from interlock.predictions.log_schema import PARTITIONS, fits

Kind = Literal["predictions", "labels", "scores", "decisions", "rewards", "telemetry"]
KINDS: tuple[Kind, ...] = get_args(Kind)

# Texts that hardly repeat.
_UNIQUE = ("prediction_id", "request_id", "unit")

# Others commit at the same time: collectors of other machines, upkeep. To lose so often in a row is no bad luck.
_ATTEMPTS = 10

# delta-rs would remove commits after 30 days, also those that a pinned version needs; upkeep does it instead.
HOOKS = PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False)


class DeltaLog:
    """The tables below one folder. Several threads may read; only one may append.

    Args:
        root: Holds `KIND/ENDPOINT`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._tables: dict[tuple[Kind, str], DeltaTable] = {}
        self._refreshing = Lock()

    def path(self, kind: Kind, endpoint: str) -> Path:
        """Where the table is, or will be. Without links, as delta-rs tells its files."""
        return (self.root / kind / endpoint).resolve()

    def endpoints(self, kind: Kind) -> list[str]:
        """Endpoints that have a table of this kind."""
        return sorted(found.parent.name for found in (self.root / kind).glob("*/_delta_log"))

    def append(self, kind: Kind, endpoint: str, table: pa.Table, app_transactions: Mapping[str, int]) -> bool:
        """Append rows in one commit, once.

        delta-rs records application transactions but does not refuse a replayed one. So the stored ones are read first,
        and the write goes through the same table object: had another process written in between, it fails.

        Args:
            kind: Kind of table; made at its first append.
            endpoint: Whose.
            table: Rows. Columns that the table lacks are added to it.
            app_transactions: Writer to the number up to which these are its rows. Numbers of a writer only rise.

        Returns:
            Whether it appended: False if all transactions are in already.

        Raises:
            ConflictError: Some are in and others not, or the table got other columns since the rows were placed: they
                must be made anew. Or others wrote at the same time again and again.
        """
        for _ in range(_ATTEMPTS):
            present = self.table(kind, endpoint)
            if _are_in(present, app_transactions, f"{kind} of {endpoint!r}"):
                return False
            if not fits(_columns(present), table.schema):
                raise ConflictError(f"the {kind} of {endpoint!r} have other columns by now; another process added some")
            if self._append(kind, endpoint, table, app_transactions, present):
                return True
        raise ConflictError(f"other processes wrote the {kind} of {endpoint!r} at the same time, {_ATTEMPTS} times")

    def _append(
        self, kind: Kind, endpoint: str, rows: pa.Table, app_transactions: Mapping[str, int], present: DeltaTable | None
    ) -> bool:
        """Try once; whether nobody else was quicker."""
        path, before = self.path(kind, endpoint), present.version() if present else -1
        transactions = [Transaction(writer, number) for writer, number in app_transactions.items()]
        try:
            write_deltalake(
                present or path,
                rows,
                mode="append",
                partition_by=PARTITIONS[kind],
                schema_mode="merge" if present else None,
                commit_properties=CommitProperties(app_transactions=transactions),
                writer_properties=_writing(rows.schema),
                post_commithook_properties=HOOKS,
            )
        except (CommitFailedError, DeltaError) as error:
            # The object no longer tells what is stored.
            self._tables.pop((kind, endpoint), None)
            if not isinstance(error, CommitFailedError) and not self._is_newer(kind, endpoint, before):
                raise
            return False
        after = present or DeltaTable(path)
        commits.sync(path, range(before + 1, after.version() + 1))
        return True

    def _is_newer(self, kind: Kind, endpoint: str, version: int) -> bool:
        """Whether the table has moved on. Two that make a table at once: delta-rs has no name for how one fails."""
        return (self.version(kind, endpoint) or -1) > version

    def table(self, kind: Kind, endpoint: str) -> DeltaTable | None:
        """The table as it is now, or None before its first append."""
        with self._refreshing:
            known = self._tables.get((kind, endpoint))
            if known is not None and (self.path(kind, endpoint) / "_delta_log").is_dir():
                known.update_incremental()
                return known
            try:
                self._tables[kind, endpoint] = DeltaTable(self.path(kind, endpoint))
            except TableNotFoundError:
                self._tables.pop((kind, endpoint), None)
            return self._tables.get((kind, endpoint))

    def schema(self, kind: Kind, endpoint: str) -> pa.Schema:
        """Columns of the table, with their metadata; none before its first append."""
        return _columns(self.table(kind, endpoint))

    def files(self, kind: Kind, endpoint: str, *, where: Sequence[tuple[str, str, str]] = ()) -> list[str]:
        """Parquet files of the present version.

        Args:
            kind, endpoint: The table.
            where: Conditions (column, sign, value), all of which the rows must meet: files that surely hold none are
                left out. Exact for `date` only.
        """
        table = self.table(kind, endpoint)
        return [str(file) for file in commits.files_of(table, where)] if table else []

    def version(self, kind: Kind, endpoint: str) -> int | None:
        """Number of the present version, or None before the first append."""
        table = self.table(kind, endpoint)
        return table.version() if table else None

    def transaction_version(self, kind: Kind, endpoint: str, app_id: str) -> int:
        """Up to which number a writer's rows are in; 0 for none."""
        table = self.table(kind, endpoint)
        return (table.transaction_version(app_id) or 0) if table else 0


def _writing(schema: pa.Schema) -> WriterProperties:
    """How files are written: a dictionary only for texts that repeat, as trying it on numbers and ids takes five times
    as long as writing them.
    """
    texts = [field.name for field in schema if pa.types.is_string(field.type) and field.name not in _UNIQUE]
    return WriterProperties(
        compression="SNAPPY",
        default_column_properties=ColumnProperties(dictionary_enabled=False),
        column_properties={name: ColumnProperties(dictionary_enabled=True) for name in texts},
    )


def _are_in(table: DeltaTable | None, app_transactions: Mapping[str, int], where: str) -> bool:
    known = [
        table is not None and (table.transaction_version(writer) or 0) >= number
        for writer, number in app_transactions.items()
    ]
    if any(known) and not all(known):
        raise ConflictError(f"some of {dict(app_transactions)} are in the {where} already")
    return bool(known) and all(known)


def _columns(table: DeltaTable | None) -> pa.Schema:
    return pa.schema(table.schema().to_arrow()) if table else pa.schema([])
