"""The process in which upkeep runs: `python -m interlock.predictions.upkeep_job`, settings on stdin.

Started by `upkeep_schedule`. Compaction takes a few hundred megabytes for a moment, which a process gives back, and a
processor, which it leaves to whoever wants it. It ends with its starter, whose end of the pipe it holds.
"""

import logging
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.job_process import end_with_starter
from interlock.predictions.upkeep import Upkeep
from interlock.store.database import Store

_NICE = 10


class Task(msgspec.Struct, frozen=True):
    """What to work on: root of the log, URL of the store."""

    log: str
    store: str


def main() -> None:
    """Make one pass."""
    task = msgspec.json.decode(sys.stdin.buffer.readline(), type=Task)
    end_with_starter()
    os.nice(_NICE)
    logging.basicConfig(level=logging.WARNING, format="upkeep %(levelname)s %(name)s: %(message)s")
    store = Store(task.store)
    try:
        Upkeep(DeltaLog(Path(task.log)), store, lambda: datetime.now(UTC)).step()
    finally:
        store.close()


if __name__ == "__main__":
    main()
