"""Evaluations of policies, each in a process of its own, a few at a time. Called by the control API."""

from pathlib import Path
from threading import BoundedSemaphore

import msgspec

from interlock.domain.errors import OverloadedError
from interlock.predictions import job_process
from interlock.releases.evaluation import Evaluation, Question

# Ten million rows of twenty inputs take some five minutes.
_SECONDS = 900.0
_MOST_AT_ONCE = 2
_PATIENCE_SECONDS = 10.0

_JOB = "interlock.releases.evaluation_job"


class EvaluationsApart:
    """Evaluates policies on the log of any endpoint.

    Args:
        store_url: Where the contracts are.
        log: Root of the log.
    """

    def __init__(self, store_url: str, log: Path) -> None:
        self._store_url, self._log = store_url, log
        self._running = BoundedSemaphore(_MOST_AT_ONCE)

    def evaluate(self, asked: Question) -> Evaluation:
        """As `Evaluations.evaluate`, which says what is raised.

        Raises:
            OverloadedError: Too many run already.
        """
        if not self._running.acquire(timeout=_PATIENCE_SECONDS):
            raise OverloadedError(f"{_MOST_AT_ONCE} evaluations are running already", _PATIENCE_SECONDS)
        try:
            task = {"store": self._store_url, "log": str(self._log), "asked": msgspec.to_builtins(asked)}
            return job_process.ask(_JOB, task, Evaluation, seconds=_SECONDS)
        finally:
            self._running.release()
