"""Backtests, each in a process of its own, a few at a time. Called by the control API."""

from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore

import msgspec

from interlock.backtest.report import Backtest, BacktestTask
from interlock.domain.errors import OverloadedError
from interlock.predictions import job_process

# A hundred thousand rows take half a minute; a slow model takes longer to answer them again.
_SECONDS = 900.0
_MOST_AT_ONCE = 2
_PATIENCE_SECONDS = 10.0

_JOB = "interlock.backtest.job"


@dataclass(frozen=True, slots=True)
class Places:
    """Where the process finds everything: URL of the store, root of the log, folder of artifacts."""

    store_url: str
    log: Path
    artifacts: Path


class Backtests:
    """Backtests on any endpoint's past."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._running = BoundedSemaphore(_MOST_AT_ONCE)

    def run(self, task: BacktestTask) -> Backtest:
        """Do one, and wait for it; `run.run` says what is raised.

        Raises:
            OverloadedError: Too many run already.
        """
        task.check()
        if not self._running.acquire(timeout=_PATIENCE_SECONDS):
            raise OverloadedError(f"{_MOST_AT_ONCE} backtests are running already", _PATIENCE_SECONDS)
        places = self._places
        job = {"store": places.store_url, "log": str(places.log), "artifacts": str(places.artifacts)}
        try:
            return job_process.ask(_JOB, {**job, "task": msgspec.to_builtins(task)}, Backtest, seconds=_SECONDS)
        finally:
            self._running.release()
