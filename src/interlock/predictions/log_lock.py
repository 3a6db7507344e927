"""One at a time: upkeep, pins, deletion of a unit and backups change or copy files of the log that others rely on.

The lock is a file in the log's folder, so it also holds between machines that share the folder, and ends with its
holder. Appends do not need it. A second one is about the spools: while a backup copies the log first and the spools
afterwards, collectors go on, but delete no segment whose rows they have just moved from the one to the other.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from interlock.domain.errors import OverloadedError
from interlock.predictions.spool_state import take_lock

# Upkeep does one table after the other, a few seconds each.
_PATIENCE_SECONDS = 60.0


@contextmanager
def exclusive(log: Path, *, wait_seconds: float = _PATIENCE_SECONDS) -> Iterator[None]:
    """Hold the log inside the block.

    Args:
        log: Root of the prediction log.
        wait_seconds: How long to wait for whoever holds it.

    Raises:
        OverloadedError: It is still held then.
    """
    log.mkdir(parents=True, exist_ok=True)
    descriptor = take_lock(log, wait_seconds=wait_seconds)
    if descriptor is None:
        raise OverloadedError("the log is being pinned, cleaned or backed up; try again in a minute", 30.0)
    try:
        yield
    finally:
        os.close(descriptor)


@contextmanager
def segments_held(log: Path, *, wait_seconds: float = _PATIENCE_SECONDS) -> Iterator[None]:
    """Keep every segment of every spool inside the block.

    Args:
        log: Root of the prediction log.
        wait_seconds: How long to wait for collectors that are deleting.

    Raises:
        OverloadedError: One still is.
    """
    with _held(log, fcntl.LOCK_EX, wait_seconds) as is_held:
        if not is_held:
            raise OverloadedError("a collector or another backup holds the spools; try again in a minute", 30.0)
        yield


@contextmanager
def may_delete_segments(log: Path) -> Iterator[bool]:
    """Whether segments may be deleted inside the block; if they may, no backup begins meanwhile."""
    with _held(log, fcntl.LOCK_SH, 0.0) as is_held:
        yield is_held


@contextmanager
def _held(log: Path, how: int, wait_seconds: float) -> Iterator[bool]:
    log.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(log / "segments.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield _try(descriptor, how, time.monotonic() + wait_seconds)
    finally:
        os.close(descriptor)


def _try(descriptor: int, how: int, until: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(0.01)
        else:
            return True
