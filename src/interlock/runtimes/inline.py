"""A model inside the gateway worker: in the event loop when it is quick, in one thread of its own when it is not.

Called by gateways for ONNX, which is data and not code. What waits in one turn of the loop is one batch, and no longer
than 2 ms by the time that was measured at registration.

    in the loop ──more rows than 2 ms allow──► in the thread ──far past a deadline──► stopped, and moved for good
                                                                                      to a process of its own
The place inside is earned by the measurement at registration, and lost by hanging. (What crashes or stops the worker
itself is isolated by the next one: `gateway/in_flight`.)
"""

import asyncio
import logging
from collections.abc import Callable

from interlock.domain.errors import DeadlineExceededError, ModelFailedError
from interlock.domain.ports import Columns, Runtime
from interlock.runtimes.checked import CheckedPredictor
from interlock.runtimes.isolated import STUCK_FACTOR
from interlock.runtimes.one_thread import Job, OneThread, Outputs

log = logging.getLogger(__name__)

# Other requests wait as long as one turn of the loop takes; longer than this they would feel it.
LOOP_BUDGET_US = 2000.0

# A process that could not be started is tried again after this, while the model is stuck.
_RETRY_SECONDS = 5.0


class InlineRuntime:
    """A predictor run in the loop or in a thread, by predicted time.

    Args:
        predictor: The loaded model. Closed with this runtime.
        ref: Its `name:version`, for messages.
        row_us: Measured microseconds a row. None: always in the thread.
        isolate: Loads the same in a process of its own; blocks.
    """

    def __init__(
        self, predictor: CheckedPredictor, ref: str, *, row_us: float | None, isolate: Callable[[], Runtime]
    ) -> None:
        self._predictor, self._ref, self._isolate = predictor, ref, isolate
        self._moving: asyncio.Task[None] | None = None
        self._moved: Runtime | None = None
        self._rows_in_loop = 0 if row_us is None else int(LOOP_BUDGET_US / max(row_us, 1.0))
        self._thread: OneThread | None = None
        self._closed = False

    @property
    def rows_in_loop(self) -> int:
        return self._rows_in_loop

    @property
    def is_moved(self) -> bool:
        """Whether it has lost its place here, and answers from a process of its own."""
        return self._moved is not None

    def predict_now(self, columns: Columns) -> Outputs:
        if self._closed:
            raise ModelFailedError(self._ref, "breaker_open", "it is being unloaded")
        return self._predictor.predict(columns)

    async def predict(self, columns: Columns, deadline_seconds: float) -> Outputs:
        if self._moved is not None:
            return await self._moved.predict(columns, deadline_seconds)
        thread = self._in_thread()
        try:
            return await thread.submit(columns, deadline_seconds)
        except DeadlineExceededError:
            left = (STUCK_FACTOR - 1) * deadline_seconds
            asyncio.get_running_loop().call_later(left, self._move_if_stuck, left)
            raise

    def _move_if_stuck(self, seconds: float) -> None:
        # Timers of event loops may come a little early.
        is_stuck = self._thread is not None and self._thread.overdue_seconds > 0.9 * seconds
        if not is_stuck or self._moving is not None or self._closed:
            return
        log.warning("model %s is stuck in this worker; it gets a process of its own", self._ref)
        self._rows_in_loop = 0
        self._predictor.interrupt()
        self._moving = asyncio.get_running_loop().create_task(self._move())

    async def _move(self) -> None:
        try:
            moved = await asyncio.to_thread(self._isolate)
        except Exception:  # an unloadable model, no memory or file left for a process
            log.exception("model %s gets no process of its own yet", self._ref)
            self._moving = None
            asyncio.get_running_loop().call_later(_RETRY_SECONDS, self._move_if_stuck, 0.0)
            return
        if self._closed:
            await moved.close()
        else:
            self._moved = moved

    async def close(self) -> None:
        self._closed = True
        if self._moved is not None:
            await self._moved.close()
        if self._thread is not None:
            await self._thread.close()
        self._predictor.close()

    def _in_thread(self) -> OneThread:
        if self._closed:
            raise ModelFailedError(self._ref, "breaker_open", "it is being unloaded")
        if self._thread is None:
            self._thread = OneThread(self._ref, self._answer)
        return self._thread

    def _answer(self, job: Job) -> Outputs:
        return self._predictor.predict(job.columns)
