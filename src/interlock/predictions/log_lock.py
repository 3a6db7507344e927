"""One at a time: upkeep, pins, deletion of a unit and backups change or copy files of the log that others rely on.

The lock is a file in the log's folder, so it also holds between machines that share the folder, and ends with its
holder. Appends do not need it.
"""

import os
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
