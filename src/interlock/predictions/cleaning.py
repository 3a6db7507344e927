"""Cleaning: files that no version of a table needs any more, and commits that nobody will ask for.

Called by upkeep. A file stays as long as a pinned version has it, and for a week after it was replaced: a slow reader,
or another engine's query, may still be on an older version. Files that a dead process left before their commit look the
same, and go after a week as well. Commits go sooner, by number, since every look at a table lists them all.
"""

import re
from collections.abc import Collection
from functools import partial
from pathlib import Path

from deltalake import DeltaTable

from interlock.predictions import commits
from interlock.predictions.delta_log import HOOKS

# Delta's own default, which other engines rely on.
WEEK_HOURS = 7 * 24

# 3 hours when every 5 s brings a commit, more than a day on a quiet endpoint. With so many a look takes 3 ms; with
# 20,000 it takes 25 ms, and an append 250 ms.
KEPT_COMMITS = 2000

_LOG_FILE = re.compile(r"(\d{20})\..*(json|parquet)")


def vacuum(table: DeltaTable, pinned: Collection[int], *, keep_hours: int = WEEK_HOURS) -> int:
    """Delete data files that no version needs.

    Args:
        table: As it is now.
        pinned: Versions whose files stay.
        keep_hours: How long a file stays after it was replaced, or written and never committed.

    Returns:
        How many files were deleted.
    """
    run = partial(
        table.vacuum,
        retention_hours=keep_hours,
        enforce_retention_duration=False,
        full=True,
        keep_versions=sorted(pinned),
        post_commithook_properties=HOOKS,
    )
    # A look first: a vacuum makes two commits, also when it deletes nothing.
    return len(run(dry_run=False)) if run(dry_run=True) else 0


def replaced(table: DeltaTable) -> list[Path]:
    """Data files that the table referred to once, whether they are still there or not."""
    found = table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=True)
    return [commits.folder_of(table) / name for name in found]


def drop_commits(table: DeltaTable, pinned: Collection[int], *, keep: int = KEPT_COMMITS) -> int:
    """Delete commits that a checkpoint makes superfluous.

    Args:
        table: As it is now.
        pinned: Versions that must stay readable: each has a checkpoint of its own, and its commit stays.
        keep: At least so many of the newest commits stay.

    Returns:
        How many files of the table's log were deleted.
    """
    path = commits.folder_of(table)
    # Removing a few is not worth it.
    if _oldest(path, pinned) > table.version() - keep - keep // 20:
        return 0
    checkpoint = commits.newest_checkpoint(path, table.version() - keep)
    if checkpoint is None:
        return 0
    old = [file for version, file in _log_files(path) if version < checkpoint and version not in pinned]
    # The oldest first: whenever this dies, what is left is a whole history from some commit on.
    for file in old:
        file.unlink(missing_ok=True)
    return len(old)


def _oldest(path: Path, pinned: Collection[int]) -> int:
    return min((version for version, _ in _log_files(path) if version not in pinned), default=0)


def _log_files(path: Path) -> list[tuple[int, Path]]:
    found = [(match, file) for file in (path / "_delta_log").iterdir() if (match := _LOG_FILE.fullmatch(file.name))]
    return sorted((int(match[1]), file) for match, file in found)
