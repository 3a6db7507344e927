"""Replacement: named data files of a Delta table give way to copies without some rows, in one commit.

Used by erasure. delta-rs deletes by condition. Such a deletion reads the whole table, fails whenever somebody appends
meanwhile, and tells its condition, which is a person's name, in the commit. What happens here needs none of it: the
files are known, appends touch none of them, and the commit names files only.
"""

import json
import os
import time
import uuid
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable

from interlock.domain.errors import ConflictError, OverloadedError
from interlock.predictions import commits, segments

# Somebody else's commit costs one attempt, and takes milliseconds.
_ATTEMPTS = 100

Unwanted = Callable[[pa.RecordBatch], pa.Array]
"""Which rows of a batch are to go, as booleans."""


# By these readers leave files out. Never the unit: statistics are kept where nobody looks for a person's name.
_MEASURED = ("prediction_id", "release_id", "at", "event_at", "observed_at")


@dataclass(slots=True)
class _Copied:
    """What was copied, and what was not; with the least and the greatest value of some columns."""

    left: int = 0
    deleted: int = 0
    least: dict[str, Any] = field(default_factory=dict)
    greatest: dict[str, Any] = field(default_factory=dict)
    nulls: dict[str, int] = field(default_factory=dict)

    def add(self, kept: pa.RecordBatch) -> None:
        self.left += kept.num_rows
        for name in set(_MEASURED) & set(kept.schema.names):
            self.nulls[name] = self.nulls.get(name, 0) + kept[name].null_count
            found = pc.min_max(kept[name]).as_py()
            if found["min"] is not None:
                self.least[name] = min(self.least.get(name, found["min"]), found["min"])
                self.greatest[name] = max(self.greatest.get(name, found["max"]), found["max"])

    def statistics(self) -> str:
        """As a commit tells them."""
        bounds = {"minValues": self.least, "maxValues": self.greatest}
        spelt = {side: {name: _spell(value) for name, value in values.items()} for side, values in bounds.items()}
        return json.dumps({"numRecords": self.left, **spelt, "nullCount": self.nulls})


@dataclass(frozen=True, slots=True)
class _Rewritten:
    """A data file, and what takes its place: nothing, if none of its rows stay."""

    path: str
    partition: dict[str, str]
    size: int
    copy: Path | None
    copied: _Copied


def delete_rows(folder: Path, files: Collection[Path], unwanted: Unwanted) -> int:
    """Delete rows of some files. The files themselves stay, with nothing that refers to them.

    Args:
        folder: The table's.
        files: Data files; those that the table has let go of already are left alone.
        unwanted: Says which rows.

    Returns:
        How many rows were deleted.

    Raises:
        ConflictError: Another program replaced one of the files meanwhile, or writes what this one does not know.
        OverloadedError: Others wrote again and again.
    """
    table = DeltaTable(folder)
    if table.protocol().min_reader_version > 1:
        raise ConflictError(f"another program changed how {folder} is to be read; delete the rows with that program")
    concerned = [action for action in _actions(table) if folder / unquote(action["path"]) in files]
    rewritten = [_rewrite(folder, action, unwanted) for action in concerned]
    if rewritten:
        _commit(folder, rewritten)
    return sum(each.copied.deleted for each in rewritten)


def _actions(table: DeltaTable) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    return found


def _rewrite(folder: Path, action: dict[str, Any], unwanted: Unwanted) -> _Rewritten:
    old = folder / unquote(action["path"])
    copy = old.with_name(f"part-00000-{uuid.uuid4()}-c000.zstd.parquet")
    copied = _copy(old, copy, unwanted)
    if copied.left:
        segments.sync(copy)
        segments.sync_folder(copy.parent)
    else:
        copy.unlink()
    partition = {
        name.removeprefix("partition."): str(value) for name, value in action.items() if name.startswith("partition.")
    }
    return _Rewritten(action["path"], partition, action["size_bytes"], copy if copied.left else None, copied)


def _copy(old: Path, copy: Path, unwanted: Unwanted) -> _Copied:
    copied = _Copied()
    with pq.ParquetFile(old) as source, pq.ParquetWriter(copy, source.schema_arrow, compression="zstd") as target:
        for batch in source.iter_batches():
            kept = batch.filter(pc.invert(unwanted(batch)))
            target.write_batch(kept)
            copied.add(kept)
            copied.deleted += batch.num_rows - kept.num_rows
    return copied


def _spell(value: Any) -> Any:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if isinstance(value, datetime) else value


def _commit(folder: Path, rewritten: Iterable[_Rewritten]) -> None:
    now = round(time.time() * 1000)
    actions: list[dict[str, Any]] = [
        {"commitInfo": {"timestamp": now, "operation": "DELETE", "operationParameters": {}, "engineInfo": "interlock"}}
    ]
    for each in rewritten:
        actions.append({"remove": _remove(each, now)})
        if each.copy is not None:
            actions.append({"add": _add(folder, each, each.copy, now)})
    text = "".join(json.dumps(action) + "\n" for action in actions)
    for _ in range(_ATTEMPTS):
        table = DeltaTable(folder)
        if not {each.path for each in rewritten} <= {action["path"] for action in _actions(table)}:
            raise ConflictError(f"another program rewrote files of {folder} at the same time; try again")
        if _put(commits.commit_path(folder, table.version() + 1), text):
            return
    raise OverloadedError(f"{folder} is written so often that nothing could be deleted; try again")


def _remove(each: _Rewritten, now: int) -> dict[str, Any]:
    return {
        "path": each.path,
        "deletionTimestamp": now,
        "dataChange": True,
        "extendedFileMetadata": True,
        "partitionValues": each.partition,
        "size": each.size,
    }


def _add(folder: Path, each: _Rewritten, copy: Path, now: int) -> dict[str, Any]:
    return {
        "path": quote(str(copy.relative_to(folder)), safe="/="),
        "partitionValues": each.partition,
        "size": copy.stat().st_size,
        "modificationTime": now,
        "dataChange": True,
        "stats": each.copied.statistics(),
    }


def _put(path: Path, text: str) -> bool:
    """Write a commit that nobody else wrote; whether it is ours. A reader sees all of it or nothing."""
    draft = path.with_name(f"_commit_{uuid.uuid4()}.json.tmp")
    try:
        draft.write_text(text)
        segments.sync(draft)
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    segments.sync_folder(path.parent)
    return True
