"""From valid rows to a recorded answer: assign, predict, fall back, record. Knows no protocol and no transport.

    assigned ──(a) champion answers──────────────► record ──► answer
       │
       └─challenger ──(b) answers────────────────► record ──► answer
              └─(c) raises, hangs, answers outside its contract, or its breaker is open:
                  the guard counts it; the champion answers ──► record (with the challenger's fate) ──► answer
    champion fails ──(d)──► a failure record, and the caller is told

A challenger never costs a caller the answer (c). An answer leaves only after its record was written: if it cannot be,
the caller is told so and nothing was acknowledged.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from interlock.domain.contract import Contract
from interlock.domain.errors import ModelFailedError, UnrecordedError
from interlock.domain.ports import Columns
from interlock.domain.traffic import TrafficPlan
from interlock.gateway.columns import Rows
from interlock.gateway.errors import RequestFailedError
from interlock.gateway.exchange import Answer, Headers
from interlock.gateway.guards import Guards
from interlock.gateway.metrics import Metrics
from interlock.gateway.prediction_ids import PredictionIds
from interlock.gateway.routing import Choice, choose
from interlock.gateway.served import LoadedVersion, ServedEndpoint
from interlock.predictions.records import (
    AnswerRole,
    Assignment,
    AttemptStatus,
    FailureRecord,
    PredictionRecord,
    encoder,
)

log = logging.getLogger(__name__)

_MOST_IDS_IN_HEADER = 50

Encode = Callable[["Prediction"], Answer]


class Recorder(Protocol):
    """Where records go before answers leave: the worker's spool."""

    def append(self, record: bytes, *, rows: int, endpoint: str, sync: bool = False) -> None:
        """Write one record, or raise UnrecordedError."""


@dataclass(slots=True)
class Call:
    """One valid request.

    Args:
        pinned: The version it names, which then answers alone and is never evidence; None for the usual way.
        unit_key: The caller's sticky key, if it sent one.
        deadline_seconds: The caller's own, if it is shorter than the endpoint's.
        event_at_us: When it happened in the world.
        began_ns: Monotonic time at which its body was complete.
    """

    served: ServedEndpoint
    rows: Rows
    began_ns: int
    pinned: LoadedVersion | None = None
    request_id: str | None = None
    unit_key: str | None = None
    deadline_seconds: float | None = None
    event_at_us: list[int] | None = None


@dataclass(slots=True)
class Prediction:
    """What a version answered, for a protocol to encode."""

    endpoint: str
    version: str
    contract: Contract
    request_id: str
    prediction_ids: list[str]
    outputs: dict[str, NDArray[Any]]
    plain: dict[str, list[Any]]


@dataclass(slots=True)
class _Attempt:
    """Who answered, and how the version fared that the request was assigned to."""

    version: LoadedVersion
    outputs: dict[str, NDArray[Any]]
    plain: dict[str, list[Any]]
    model_us: int
    status: AttemptStatus = "ok"
    fell_back: bool = False


class Answering:
    """Answers calls.

    Args:
        spool: Where records go.
        guards: Which challengers this worker has withdrawn.
        metrics: What is counted.
    """

    def __init__(self, spool: Recorder, guards: Guards, metrics: Metrics) -> None:
        self._spool, self._guards, self._metrics = spool, guards, metrics
        self._ids = PredictionIds()

    async def answer(self, call: Call, encode: Encode) -> Answer:
        """Predict, record, and encode.

        Raises:
            RequestFailedError: The champion (or the pinned version) failed, or the record could not be written.
        """
        served, rows = call.served, call.rows
        ids = self._ids.take(rows.count)
        request_id = call.request_id or ids[0]
        # Without a sticky key a request is its own unit. Callers' ids are no units: some send the same one every time.
        unit = call.unit_key or ids[0]
        choice = self._choice(call, unit)
        seconds = served.deadline_seconds
        if call.deadline_seconds is not None and call.deadline_seconds < seconds:
            seconds = call.deadline_seconds
        try:
            attempt = await self._attempt(call, choice, seconds)
        except _ChampionFailedError as failure:
            assignment = _assignment(call, choice, unit, failure.status)
            self._record_failure(call, request_id, assignment)
            raise RequestFailedError(failure.cause, request_id) from failure.cause
        prediction = Prediction(
            served.name, attempt.version.ref, attempt.version.contract, request_id, ids, attempt.outputs, attempt.plain
        )
        answer = encode(prediction)
        answer.headers += _headers(prediction, fell_back=attempt.fell_back)
        self._record(call, choice, unit, attempt, prediction)
        return answer

    def _choice(self, call: Call, unit: str) -> Choice:
        if call.pinned is not None:
            return Choice(call.pinned, False, 1.0)
        return choose(call.served, unit, withdrawn=self._guards.has_tripped(call.served.plan))

    async def _attempt(self, call: Call, choice: Choice, seconds: float) -> _Attempt:
        if not choice.is_challenger:
            try:
                return await _predict(choice.version, call.rows.columns, call.rows.count, seconds)
            except ModelFailedError as error:
                raise _ChampionFailedError(error, _status(error)) from error
        return await self._challenge(call, choice, seconds)

    async def _challenge(self, call: Call, choice: Choice, seconds: float) -> _Attempt:
        served, rows = call.served, call.rows
        columns = served.adapt(rows.columns, rows.count) if served.adapt is not None else rows.columns
        try:
            attempt = await _predict(choice.version, columns, rows.count, seconds)
        except ModelFailedError as error:
            status = _status(error)
            # A caller in a hurry is no evidence against a version: only the plan's own deadline is.
            if status != "timeout" or seconds >= served.deadline_seconds:
                self._guards.count(served.plan, failed=True)
        else:
            self._guards.count(served.plan, failed=False)
            return attempt
        self._metrics.fallback(served.name, choice.version.ref, status)
        try:
            attempt = await _predict(served.champion, rows.columns, rows.count, seconds)
        except ModelFailedError as error:
            raise _ChampionFailedError(error, status) from error
        attempt.status, attempt.fell_back = status, True
        return attempt

    def _record(self, call: Call, choice: Choice, unit: str, attempt: _Attempt, prediction: Prediction) -> None:
        latency_ns = time.perf_counter_ns() - call.began_ns
        role = _role(call, choice, attempt)
        record = PredictionRecord(
            prediction.endpoint,
            time.time_ns() // 1000,
            prediction.request_id,
            prediction.prediction_ids,
            _assignment(call, choice, unit, attempt.status),
            prediction.version,
            role,
            latency_ns // 1000,
            attempt.model_us,
            call.rows.plain,
            attempt.plain,
            call.event_at_us,
        )
        try:
            self._spool.append(encoder.encode(record), rows=call.rows.count, endpoint=prediction.endpoint)
        except UnrecordedError as error:
            raise RequestFailedError(error, prediction.request_id) from error
        meter = self._metrics.meter(prediction.endpoint, prediction.version, role)
        meter.answered(call.rows.count, latency_ns / 1e9, attempt.model_us / 1e6)

    def _record_failure(self, call: Call, request_id: str, assignment: Assignment) -> None:
        latency_us = (time.perf_counter_ns() - call.began_ns) // 1000
        record = FailureRecord(
            call.served.name, time.time_ns() // 1000, request_id, assignment, call.rows.count, latency_us
        )
        try:
            self._spool.append(encoder.encode(record), rows=0, endpoint=call.served.name)
        except UnrecordedError:  # the caller gets an error either way
            log.warning("a failure of endpoint %s could not be recorded", call.served.name, exc_info=True)


class _ChampionFailedError(Exception):
    """Nobody is left to answer. `status` is how the assigned version fared."""

    def __init__(self, cause: ModelFailedError, status: AttemptStatus) -> None:
        self.cause, self.status = cause, status
        super().__init__(str(cause))


async def _predict(version: LoadedVersion, columns: Columns, rows: int, seconds: float) -> _Attempt:
    # Keeping the deadline is the runtime's part: only it can tell work that may wait from work done in this very turn.
    began = time.perf_counter_ns()
    try:
        outputs = await version.runtime.predict(columns, seconds)
        model_us = (time.perf_counter_ns() - began) // 1000
        return _Attempt(version, outputs, version.plain(outputs, rows), model_us)
    except ModelFailedError:
        raise
    except Exception as error:
        log.warning("model %s raised", version.ref, exc_info=True)
        raise ModelFailedError(version.ref, "model_error", type(error).__name__) from error


def _status(error: ModelFailedError) -> AttemptStatus:
    known: dict[str, AttemptStatus] = {
        "timeout": "timeout",
        "invalid_output": "invalid_output",
        "breaker_open": "breaker_open",
    }
    return known.get(error.status, "model_error")


def _role(call: Call, choice: Choice, attempt: _Attempt) -> AnswerRole:
    if call.pinned is not None:
        return "pinned"
    return "challenger" if choice.is_challenger and not attempt.fell_back else "champion"


def _assignment(call: Call, choice: Choice, unit: str, status: AttemptStatus) -> Assignment:
    plan: TrafficPlan = call.served.plan
    is_evidence = call.pinned is None
    return Assignment(
        plan.release_id if is_evidence else None,
        plan.step if is_evidence else None,
        choice.version.ref,
        choice.is_challenger,
        status,
        unit,
        call.unit_key is not None,
        choice.propensity,
    )


def _headers(prediction: Prediction, *, fell_back: bool) -> Headers:
    ids = prediction.prediction_ids
    text = ids[0] if len(ids) == 1 else ",".join(ids[:_MOST_IDS_IN_HEADER])
    headers = [
        (b"x-interlock-prediction-id", text.encode()),
        (b"x-interlock-version", prediction.version.encode()),
    ]
    if fell_back:
        headers.append((b"x-interlock-fallback", b"1"))
    return headers
