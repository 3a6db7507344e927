"""One thread that answers requests of an event loop, one after another, with a deadline for each.

Called by both runtimes that may wait: `inline` for work that is too long for the loop, `isolated` for the exchange with
its process. It refuses work when too much waits, and never hands a late result to anyone. The thread is a daemon: a
model that never returns must not keep the server from stopping.
"""

import asyncio
import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from interlock.domain.errors import DeadlineExceededError, ModelFailedError
from interlock.domain.ports import Columns

log = logging.getLogger(__name__)

Outputs = dict[str, NDArray[Any]]

# What waits for one model at most: bounds memory, and at 10 ms an answer nobody further back meets a 1 s deadline.
QUEUE_LENGTH = 64

# How often an idle thread looks after its process.
_IDLE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Job:
    """One request: its columns, the monotonic time by which it must be answered, and where the answer goes.

    `name`: the model that is asked, where there are several.
    """

    columns: Columns
    deadline_at: float
    deadline_seconds: float
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Outputs]"
    name: str = ""


@dataclass(frozen=True, slots=True)
class Errand:
    """Something else to do in the thread, between two requests."""

    act: Callable[[], None]
    done: "Future[None]"


class OneThread:
    """Answers jobs with `answer`, in the order in which they came.

    Args:
        ref: The model's `name:version`, for messages.
        answer: Called in the thread.
        begin: Called in the thread before anything else.
        idle: Called in the thread now and then while nothing waits, and after each answer that failed.
        close: Called in the thread as its last act.
    """

    def __init__(
        self,
        ref: str,
        answer: Callable[[Job], Outputs],
        *,
        begin: Callable[[], None] = lambda: None,
        idle: Callable[[], None] = lambda: None,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self._ref, self._answer = ref, answer
        self._begin, self._idle, self._close = begin, idle, close
        self._jobs: queue.Queue[Job | Errand | None] = queue.Queue(QUEUE_LENGTH)
        self._overdue_at = float("inf")
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"model {ref}", daemon=True)
        self._thread.start()

    @property
    def overdue_seconds(self) -> float:
        """How far the present job is past its deadline; negative if it is not, or there is none."""
        return time.monotonic() - self._overdue_at

    def call(self, act: Callable[[], None], timeout_seconds: float) -> None:
        """Do something in the thread when its turn comes, and wait for it. Raises what it raises.

        Raises:
            TimeoutError: It was not done in time, and may still be.
        """
        errand = Errand(act, Future())
        try:
            self._jobs.put(errand, timeout=timeout_seconds)
        except queue.Full:
            raise TimeoutError from None
        errand.done.result(timeout_seconds)

    async def submit(self, columns: Columns, deadline_seconds: float, name: str = "") -> Outputs:
        """Answer before the deadline.

        Raises:
            DeadlineExceededError: No answer in time; a late one is dropped.
            ModelFailedError: As `answer`; `breaker_open` while the thread is stuck or its queue is full.
        """
        now = time.monotonic()
        if self._closing.is_set():
            raise ModelFailedError(self._ref, "breaker_open", "it is being unloaded")
        if now > self._overdue_at:
            raise ModelFailedError(self._ref, "breaker_open", "it still works on a request that is past its deadline")
        loop = asyncio.get_running_loop()
        job = Job(columns, now + deadline_seconds, deadline_seconds, loop, loop.create_future(), name)
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            raise ModelFailedError(self._ref, "breaker_open", f"{QUEUE_LENGTH} requests wait already") from None
        try:
            return await asyncio.wait_for(job.future, deadline_seconds)
        except TimeoutError:
            raise DeadlineExceededError(self._ref, deadline_seconds * 1000) from None

    async def close(self, timeout_seconds: float = 5.0) -> None:
        """Let the thread end after what waits; do not wait for a stuck one."""
        self.stop()
        await asyncio.to_thread(self._thread.join, timeout_seconds)

    def stop(self) -> None:
        """Let the thread end after what waits, and do not wait for it."""
        self._closing.set()
        with contextlib.suppress(queue.Full):
            self._jobs.put_nowait(None)  # wakes it

    def _run(self) -> None:
        try:
            self._begin()
            while not (self._closing.is_set() and self._jobs.empty()):
                try:
                    job = self._jobs.get(timeout=_IDLE_SECONDS)
                except queue.Empty:
                    self._idle()
                    continue
                if isinstance(job, Errand):
                    _run_errand(job)
                elif job is not None and not self._do(job):
                    self._idle()
        finally:
            self._close()

    def _do(self, job: Job) -> bool:
        """Answer a job; whether it went well."""
        if job.future.done() or time.monotonic() >= job.deadline_at:
            return True  # its caller has gone
        self._overdue_at = job.deadline_at
        try:
            outputs = self._answer(job)
        except ModelFailedError as error:
            _tell(job, error=error)
        except Exception as error:
            log.exception("model %s: unexpected failure", self._ref)
            _tell(job, error=ModelFailedError(self._ref, "model_error", type(error).__name__))
        else:
            _tell(job, outputs=outputs)
            return True
        finally:
            self._overdue_at = float("inf")
        return False


def _run_errand(errand: Errand) -> None:
    try:
        errand.act()
    except BaseException as error:
        errand.done.set_exception(error)
    else:
        errand.done.set_result(None)


def _tell(job: Job, *, outputs: Outputs | None = None, error: Exception | None = None) -> None:
    def deliver() -> None:
        if job.future.done():
            return
        if outputs is not None:
            job.future.set_result(outputs)
        elif error is not None:
            job.future.set_exception(error)

    try:
        job.loop.call_soon_threadsafe(deliver)
    except RuntimeError:
        log.debug("the event loop has stopped; an answer is dropped")
