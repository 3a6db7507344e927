"""The process in which a backtest runs: `python -m interlock.backtest.job`, its task on stdin. Started by `launch`."""

import logging
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from interlock.backtest.report import Backtest, BacktestTask
from interlock.backtest.run import run
from interlock.predictions import job_process
from interlock.store.database import Store

_NICE = 5


class Job(msgspec.Struct, frozen=True):
    """What is asked, of which store (its URL), log (its root) and folder of artifacts."""

    store: str
    log: str
    artifacts: str
    task: BacktestTask


def main() -> None:
    """Do one backtest."""
    job = msgspec.json.decode(sys.stdin.buffer.readline(), type=Job)
    job_process.end_with_starter()
    os.nice(_NICE)
    logging.basicConfig(level=logging.ERROR, format="backtest %(levelname)s %(name)s: %(message)s")
    job_process.answer(lambda: _run(job))


def _run(job: Job) -> Backtest:
    store = Store(job.store)
    try:
        return run(job.task, store, Path(job.log), Path(job.artifacts), datetime.now(UTC))
    finally:
        store.close()


if __name__ == "__main__":
    main()
