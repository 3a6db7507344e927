"""From valid rows to a recorded answer: assign, predict, fall back, record. Knows no protocol and no transport.

    assigned ──(a) champion answers──────────────► record ──► answer
       │
       └─challenger ──(b) answers────────────────► record ──► answer
              └─(c) raises, hangs, answers outside its contract, or its breaker is open:
                  the guard counts it; the champion answers ──► record (with the challenger's fate) ──► answer
    champion fails ──(d)──► a failure record, and the caller is told
    champion's process dies ──(e)──► asked once more

A challenger never costs a caller the answer (c). An answer leaves only after its record was written: if it cannot be,
the caller is told so and nothing was acknowledged.
"""

import asyncio
import time

from interlock.domain.errors import InterlockError, ModelFailedError, OverloadedError, RunnerLostError
from interlock.gateway.calls import Answered, Call, Prediction
from interlock.gateway.errors import RequestFailedError
from interlock.gateway.guards import Guards
from interlock.gateway.in_flight import InFlight
from interlock.gateway.lane import Lane
from interlock.gateway.metrics import Metrics
from interlock.gateway.prediction_ids import PredictionIds
from interlock.gateway.recording import Recording
from interlock.gateway.routing import choose
from interlock.gateway.served import Choice, LoadedVersion
from interlock.predictions.records import AttemptStatus

_STATUSES: dict[str, AttemptStatus] = {
    "timeout": "timeout",
    "invalid_output": "invalid_output",
    "breaker_open": "breaker_open",
}


# Of a caller's own deadline: what is left is for the champion, should the challenger not answer.
_SHARE_BEFORE_FALLBACK = 0.6


class Answering:
    """Answers calls.

    Args:
        recording: Writes down what was answered.
        guards: Which challengers this worker has withdrawn.
        metrics: What is counted.
        in_flight: Remembers what runs in this process.
    """

    def __init__(self, recording: Recording, guards: Guards, metrics: Metrics, in_flight: InFlight) -> None:
        self._recording, self._guards, self._metrics, self._in_flight = recording, guards, metrics, in_flight
        self._ids = PredictionIds()
        self._loop = asyncio.get_running_loop()

    async def answer(self, call: Call) -> Prediction:
        """Predict and record.

        Raises:
            RequestFailedError: The champion (or the pinned version) failed, or the record could not be written.
            OverloadedError: Too much waits already.
        """
        call.prediction_ids = self._ids.take(call.rows.count)
        call.choice = self._choice(call)
        call.future = self._loop.create_future()
        self._ask(call.choice.version, call)
        return await call.future

    def _choice(self, call: Call) -> Choice:
        if call.pinned is not None:
            return call.served.pinned[call.pinned.ref]
        # Without a sticky key a request is its own unit. Callers' ids are no units: some send the same one every time.
        unit = call.unit_key or call.prediction_ids[0]
        return choose(call.served, unit, withdrawn=self._guards.withdrawn(call.served.plan))

    def _ask(self, version: LoadedVersion, call: Call) -> None:
        call.deadline_at = self._deadline(call)
        self._put(version, call)

    def _deadline(self, call: Call) -> float:
        now, plan = self._loop.time(), call.served.deadline_seconds
        if call.deadline_seconds is None:
            return now + plan
        left = call.deadline_seconds - (time.perf_counter_ns() - call.began_ns) / 1e9
        may_fall_back = call.choice.is_challenger and not call.fell_back
        return now + min(plan, left * _SHARE_BEFORE_FALLBACK if may_fall_back else left)

    def _put(self, version: LoadedVersion, call: Call) -> None:
        try:
            self._lane(version).put(call)
        except OverloadedError as error:
            if call.choice.is_challenger and not call.fell_back:
                self.failed(call, ModelFailedError(version.ref, "breaker_open", str(error)))
            else:
                _tell(call, error)

    def _lane(self, version: LoadedVersion) -> Lane:
        if version.lane is None:
            version.lane = Lane(version, self, self._in_flight)
        return version.lane

    def answered(self, calls: list[Call], answered: Answered) -> None:
        """(a), (b) A lane's batch has its answer."""
        choice = calls[0].choice
        if choice.is_challenger and choice.version is answered.version:
            for call in calls:
                self._guards.count(call.served.plan, choice.version.ref, failed=False)
        self._recording.answered(calls, answered)

    def failed(self, call: Call, error: ModelFailedError) -> None:
        """(c), (d), (e) A lane has no answer for a call."""
        status = _STATUSES.get(error.status, "model_error")
        if call.choice.is_challenger and not call.fell_back:
            self._fall_back(call, status)
        elif isinstance(error, RunnerLostError) and call.retries == 0 and self._loop.time() < call.deadline_at:
            call.retries = 1
            self._put(call.pinned or call.served.champion, call)
        else:
            self._recording.failed(call, call.status if call.fell_back else status)
            _tell(call, RequestFailedError(error, call.quote))

    def _fall_back(self, call: Call, status: AttemptStatus) -> None:
        # A caller in a hurry is no evidence against a version: only the plan's own deadline is.
        if status != "timeout" or call.deadline_seconds is None:
            self._guards.count(call.served.plan, call.choice.version.ref, failed=True)
        self._metrics.fallback(call.served.name, call.choice.version.ref, status)
        call.status, call.fell_back = status, True
        self._ask(call.served.champion, call)


def _tell(call: Call, error: InterlockError) -> None:
    if not call.future.done():
        call.future.set_exception(error)
