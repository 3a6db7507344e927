"""A model inside the gateway worker: in the event loop when it is quick, in one thread of its own when it is not.

Called by gateways for ONNX, which is data and not code. What waits in one turn of the loop is one batch, and no longer
than 2 ms by the time that was measured at registration.
"""

from interlock.domain.errors import ModelFailedError
from interlock.domain.ports import Columns, Predictor
from interlock.runtimes.one_thread import Job, OneThread, Outputs

# Other requests wait as long as one turn of the loop takes; longer than this they would feel it.
LOOP_BUDGET_US = 2000.0


class InlineRuntime:
    """A predictor run in the loop or in a thread, by predicted time.

    Args:
        predictor: The loaded model. Closed with this runtime.
        ref: Its `name:version`, for messages.
        row_us: Measured microseconds a row. None: always in the thread.
    """

    def __init__(self, predictor: Predictor, ref: str, *, row_us: float | None) -> None:
        self._predictor, self._ref = predictor, ref
        self._rows_in_loop = 0 if row_us is None else int(LOOP_BUDGET_US / max(row_us, 1.0))
        self._thread: OneThread | None = None
        self._closed = False

    @property
    def rows_in_loop(self) -> int:
        return self._rows_in_loop

    def predict_now(self, columns: Columns) -> Outputs:
        if self._closed:
            raise ModelFailedError(self._ref, "breaker_open", "it is being unloaded")
        return self._predictor.predict(columns)

    async def predict(self, columns: Columns, deadline_seconds: float) -> Outputs:
        return await self._in_thread().submit(columns, deadline_seconds)

    async def close(self) -> None:
        self._closed = True
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
