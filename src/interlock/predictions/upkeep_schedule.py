"""When upkeep runs: after so many commits to a table, and every hour.

A thread in the collector's process, which itself only compares version numbers; the work is done by `upkeep_job`.
"""

import logging
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Event

import msgspec
from deltalake.exceptions import DeltaError

from interlock.predictions.delta_log import KINDS, DeltaLog
from interlock.predictions.upkeep_job import Task

_log = logging.getLogger(__name__)

_LOOK_SECONDS = 15.0
# As many small files as compaction waits for.
_COMMITS = 16
# Retention and files that became old need no commit to be due.
_LONGEST_SECONDS = 3600.0
# A pass that takes so long is stuck; the largest compaction takes seconds.
_TIMEOUT_SECONDS = 1800.0


class UpkeepSchedule:
    """Starts upkeep of one log when it is due.

    Args:
        log: Root of the log.
        store_url: URL of the store.
    """

    def __init__(self, log: Path, store_url: str) -> None:
        self._log, self._task = DeltaLog(log), Task(str(log), store_url)
        self._seen: dict[tuple[str, str], int] = {}
        self._last = time.monotonic()

    def run(self, stop: Event) -> None:
        """Look now and then until `stop` is set. Never fails: the log also works untidied."""
        while not stop.wait(_LOOK_SECONDS):
            try:
                if self.is_due():
                    self.start(stop)
            except Exception:
                _log.exception("upkeep could not be started; it is tried again")

    def is_due(self) -> bool:
        """Whether a table has grown by many commits, or the last pass was long ago."""
        if time.monotonic() - self._last >= _LONGEST_SECONDS:
            return True
        return any(version - self._seen.get(key, -1) >= _COMMITS for key, version in self._versions().items())

    def start(self, stop: Event) -> None:
        """Run one pass; it is ended early when `stop` is set."""
        self._last = time.monotonic()
        # With one thread, compaction needs half the memory.
        environment = {**os.environ, "TOKIO_WORKER_THREADS": "1"}
        command = [sys.executable, "-P", "-m", "interlock.predictions.upkeep_job"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment) as job:
            try:
                _hand_over(job, self._task)
                _await(job, stop)
            finally:
                job.kill()
        if job.returncode and not stop.is_set():
            _log.warning("upkeep ended with code %s; it is tried again", job.returncode)
        self._seen = self._versions()

    def _versions(self) -> dict[tuple[str, str], int]:
        found: dict[tuple[str, str], int] = {}
        for kind in KINDS:
            for endpoint in self._log.endpoints(kind):
                # One that cannot be read is the doctor's.
                with suppress(DeltaError):
                    found[kind, endpoint] = self._log.version(kind, endpoint) or 0
        return found


def _hand_over(job: "subprocess.Popen[bytes]", task: Task) -> None:
    if job.stdin is not None:
        job.stdin.write(msgspec.json.encode(task) + b"\n")
        job.stdin.flush()


def _await(job: "subprocess.Popen[bytes]", stop: Event) -> None:
    until = time.monotonic() + _TIMEOUT_SECONDS
    while job.poll() is None and time.monotonic() < until:
        if stop.wait(0.2):
            return
