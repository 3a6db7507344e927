"""Commits of a Delta table, as their files tell: what each added and removed, and whether it survives the machine.

Used by the log after an append, and by readers of new rows. delta-rs says neither, and syncs nothing to the disk.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import msgspec
from deltalake import DeltaTable

from interlock.predictions import segments


class _File(msgspec.Struct):
    path: str
    data_change: bool = msgspec.field(name="dataChange", default=True)


class _Action(msgspec.Struct):
    add: _File | None = None
    remove: _File | None = None


_decode = msgspec.json.Decoder(_Action).decode


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit.

    Args:
        path: Its own file.
        added: Data files that it added.
        new: Those of them that hold rows which were in no file before: none, if it only wrote old rows anew.
    """

    path: Path
    added: list[Path]
    new: list[Path]


def folder_of(table: DeltaTable) -> Path:
    """The table's folder, without links. delta-rs tells it as a URL, in which a space is `%20`."""
    return Path(unquote(table.table_uri.removeprefix("file://")))


def files_of(table: DeltaTable, where: Sequence[tuple[str, str, str]] = ()) -> list[Path]:
    """Data files of the table's version.

    Args:
        table: Which.
        where: Conditions (column, sign, value): files that surely hold no such rows are left out.
    """
    found = table.file_uris(file_pruning_predicate=list(where) or None)
    return [Path(unquote(file.removeprefix("file://"))) for file in found]


def commit_path(table: Path, version: int) -> Path:
    """The file of a commit."""
    return table / "_delta_log" / f"{version:020d}.json"


def checkpoint_path(table: Path, version: int) -> Path:
    """The file that holds all of a version."""
    return table / "_delta_log" / f"{version:020d}.checkpoint.parquet"


def read(table: Path, version: int) -> Commit:
    """Read one commit.

    Raises:
        FileNotFoundError: It is older than what upkeep keeps.
    """
    path = commit_path(table, version)
    actions = [_decode(line) for line in path.read_bytes().splitlines()]
    added = [action.add for action in actions if action.add]
    # Who removes files in the same commit (compaction, deletion of a unit) adds what was left in them.
    rewrites = any(action.remove for action in actions)
    new = [] if rewrites else [file for file in added if file.data_change]
    return Commit(path, [_place(table, file) for file in added], [_place(table, file) for file in new])


def new_files(table: DeltaTable, after: int, upto: int) -> list[Path]:
    """Files that commits added with new rows; every file, if upkeep has removed such commits or files by now."""
    root = folder_of(table)
    try:
        found = [file for version in range(after + 1, upto + 1) for file in read(root, version).new]
    except FileNotFoundError:
        return files_of(table)
    return found if all(file.exists() for file in found) else files_of(table)


def sync(table: Path, versions: Iterable[int]) -> None:
    """Make commits, and the data files they added, survive the machine.

    Args:
        table: The table's folder.
        versions: Which. One that is gone by now is old, and survives by later ones.
    """
    folders = {table / "_delta_log", table, table.parent, table.parent.parent}
    for version in versions:
        try:
            commit = read(table, version)
        except FileNotFoundError:
            continue
        for file in (*commit.added, commit.path):
            if file.exists():  # another process may have compacted it, and more
                segments.sync(file)
            folders.add(file.parent)
    for folder in folders:
        segments.sync_folder(folder)


def _place(table: Path, file: _File) -> Path:
    return table / unquote(file.path)


def has_checkpoint(table: Path, version: int) -> bool:
    """Whether a version can be read without the commits before it."""
    return checkpoint_path(table, version).exists()


def newest_checkpoint(table: Path, upto: int) -> int | None:
    """Version of the newest checkpoint at or before a version."""
    found = [int(name[:20]) for name in os.listdir(table / "_delta_log") if name.endswith(".checkpoint.parquet")]
    return max((version for version in found if version <= upto), default=None)
