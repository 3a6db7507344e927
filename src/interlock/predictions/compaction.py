"""Compaction: the many small files that quiet commits leave become few large ones, partition by partition.

Called by upkeep. No row changes, so readers of new rows skip what it writes. A day that still grows is compacted in
two sizes, small files to middling ones and those to large ones, so that a row is written about four times at most; once
a day has settled, its files become as few as they can.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa
from deltalake import DeltaTable, WriterProperties

from interlock.predictions.delta_log import HOOKS

_MIB = 1024 * 1024
# A file per commit is a few hundred kilobytes. Larger files than the second size gain readers nothing, and need
# memory here: with one thread about four times their size.
_MIDDLING_BYTES, _LARGE_BYTES = 4 * _MIB, 64 * _MIB
_SMALL_FILES = 16
_SETTLED = timedelta(hours=24)

# Also what engines skip rows by, and read in parallel.
_ROW_GROUP = 65_536

Partition = tuple[tuple[str, str, str], ...]
"""Conditions (column, sign, value) that name a partition; none for a table without partitions."""


@dataclass(frozen=True, slots=True)
class Job:
    """One partition to compact, to files of about `target_bytes`."""

    partition: Partition
    target_bytes: int


def due(table: DeltaTable, now: datetime) -> list[Job]:
    """What is worth compacting, by partition.

    Args:
        table: As it is now.
        now: Aware UTC.
    """
    partitions: dict[Partition, list[_File]] = defaultdict(list)
    for partition, file in _files(table):
        partitions[partition].append(file)
    targets = {partition: _target_bytes(files, now) for partition, files in partitions.items()}
    return [Job(partition, target) for partition, target in sorted(targets.items()) if target is not None]


def compact(table: DeltaTable, job: Job) -> int:
    """Do it, in one commit.

    Returns:
        How many files were replaced.

    Raises:
        CommitFailedError: Somebody deleted rows of the partition meanwhile; nothing was changed.
    """
    found = table.optimize.compact(
        partition_filters=list(job.partition) or None,
        target_size=job.target_bytes,
        max_concurrent_tasks=1,
        writer_properties=WriterProperties(compression="ZSTD", compression_level=3, max_row_group_size=_ROW_GROUP),
        post_commithook_properties=HOOKS,
    )
    return int(found["numFilesRemoved"])


@dataclass(frozen=True, slots=True)
class _File:
    size: int
    written_at: float


def _files(table: DeltaTable) -> Iterator[tuple[Partition, _File]]:
    actions = pa.table(table.get_add_actions(flatten=True))
    keys = [name for name in actions.column_names if name.startswith("partition.")]
    for row in actions.select(["size_bytes", "modification_time", *keys]).to_pylist():
        partition = tuple((key.removeprefix("partition."), "=", str(row[key])) for key in keys)
        yield partition, _File(row["size_bytes"], row["modification_time"] / 1000)


def _target_bytes(files: list[_File], now: datetime) -> int | None:
    settled = now.timestamp() - max(file.written_at for file in files) >= _SETTLED.total_seconds()
    # Larger ones are taken to be of the size already, or the last of them would be written anew with every new file.
    for_large = [file.size for file in files if file.size <= _LARGE_BYTES // 2]
    if sum(for_large) >= _LARGE_BYTES or (settled and len(for_large) >= 2):
        return _LARGE_BYTES
    for_middling = [file.size for file in files if file.size <= _MIDDLING_BYTES // 2]
    return _MIDDLING_BYTES if len(for_middling) >= _SMALL_FILES else None
