"""A model in a runner process of its own: for every format that is code, or was never measured.

Called by gateways. A crash is followed by a restart at once, for which requests wait as long as they may; a hang is
ended; a model that keeps doing either is restarted with back-off, and no longer asked for a while (`breaker`).
"""

import asyncio
import logging
import threading
import time
from pathlib import Path

from interlock.domain.errors import DeadlineExceededError, ModelFailedError, RunnerLostError, UnloadableModelError
from interlock.domain.model import ModelVersion
from interlock.domain.ports import Columns
from interlock.runtimes import wire
from interlock.runtimes.breaker import Breaker
from interlock.runtimes.one_thread import Job, OneThread, Outputs
from interlock.runtimes.runner_process import RunnerProcess

log = logging.getLogger(__name__)

# Importing scikit-learn on a busy machine with a cold disk takes ten seconds.
STARTUP_SECONDS = 60.0

# A model this many deadlines late is stuck and not slow.
STUCK_FACTOR = 3.0

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 5.0

# How often a request looks whether the process is back.
_LOOK_SECONDS = 0.01


class IsolatedRuntime:
    """Owns the runner process of one version. Building it blocks until the process can answer.

    `failed_starts` counts the restarts that did not work.

    Raises:
        UnloadableModelError: The process cannot load the model.
    """

    def __init__(self, version: ModelVersion, artifacts: Path, *, startup_seconds: float = STARTUP_SECONDS) -> None:
        self._version, self._artifacts, self._startup_seconds = version, artifacts, startup_seconds
        self._breaker = Breaker()
        self._runner: RunnerProcess | None = None
        self._next_start_at = 0.0
        self.failed_starts, self._start_failed = 0, False
        self._pause_seconds = 0.0
        self._started = threading.Event()
        self._first_error: UnloadableModelError | None = None
        self._thread = OneThread(version.ref, self._answer, begin=self._begin, idle=self._look_after, close=self._end)
        self._started.wait()
        if self._first_error is not None:
            self._thread.stop()
            raise self._first_error

    rows_in_loop = 0

    def predict_now(self, columns: Columns) -> Outputs:
        raise NotImplementedError("a process is never asked within a turn of the event loop")

    @property
    def pid(self) -> int | None:
        """Process id of the runner, None while there is none."""
        runner = self._runner
        return runner.pid if runner is not None else None

    async def predict(self, columns: Columns, deadline_seconds: float, name: str = "") -> Outputs:
        ref, deadline_at = self._version.ref, time.monotonic() + deadline_seconds
        if not self._breaker.allows(time.monotonic()):
            raise ModelFailedError(ref, "breaker_open", f"{self._breaker.failures} failures of its process in a row")
        await self._returned(deadline_at)
        try:
            return await self._thread.submit(columns, max(deadline_at - time.monotonic(), 0.0), name)
        except DeadlineExceededError:
            self._breaker.failed(time.monotonic())
            raise

    async def _returned(self, deadline_at: float) -> None:
        """Wait for a process that is started again, unless that has failed already."""
        while self._runner is None:
            if self._start_failed or time.monotonic() >= deadline_at:
                raise ModelFailedError(self._version.ref, "breaker_open", "its process is being restarted")
            await asyncio.sleep(_LOOK_SECONDS)

    async def close(self) -> None:
        runner = self._runner
        await self._thread.close(timeout_seconds=1.0)
        if runner is not None and runner.is_alive:
            await asyncio.to_thread(runner.kill)  # its thread is stuck waiting for it

    # Everything below runs in the thread.

    def _begin(self) -> None:
        try:
            self._runner = self._start()
        except UnloadableModelError as error:
            self._first_error = error
        finally:
            self._started.set()

    def _start(self) -> RunnerProcess:
        return RunnerProcess(self._version, self._artifacts, startup_seconds=self._startup_seconds)

    def _answer(self, job: Job) -> Outputs:
        runner = self._runner
        if runner is None:
            raise ModelFailedError(self._version.ref, "breaker_open", "its process is being restarted")
        left = job.deadline_at - time.monotonic()
        try:
            outputs = runner.ask(job.columns, left + (STUCK_FACTOR - 1) * job.deadline_seconds, job.name)
        except ModelFailedError:
            self._well()
            raise
        except TimeoutError:
            self._lost("is stuck")
            raise DeadlineExceededError(self._version.ref, job.deadline_seconds * 1000) from None
        except wire.ClosedError:
            self._lost("died")
            self._breaker.failed(time.monotonic())
            raise RunnerLostError(self._version.ref) from None
        if time.monotonic() < job.deadline_at:
            self._well()
        return outputs

    def _well(self) -> None:
        self._breaker.succeeded()
        self._pause_seconds = 0.0

    def _lost(self, how: str) -> None:
        if self._runner is not None:
            runner, self._runner = self._runner, None
            log.warning("runner %d of %s %s (exit code %s)", runner.pid, self._version.ref, how, runner.kill())
        self._next_start_at = time.monotonic() + self._pause_seconds
        self._pause_seconds = min(max(2 * self._pause_seconds, _FIRST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS)

    def _look_after(self) -> None:
        if self._runner is not None and not self._runner.is_well():
            self._lost("died")
        if self._runner is None and time.monotonic() >= self._next_start_at:
            try:
                self._runner, self._start_failed = self._start(), False
            except UnloadableModelError as error:
                self.failed_starts, self._start_failed = self.failed_starts + 1, True
                log.warning("%s; next try in %g s", error, self._pause_seconds)
                self._lost("did not start")

    def _end(self) -> None:
        if self._runner is not None:
            self._runner.kill()
