"""Writes down what was answered, before any of it leaves: calls that were answered together are one record.

Called by `answering` with every batch. What cannot be written was not answered: those callers are told so.
"""

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from interlock.domain.block import Block
from interlock.domain.errors import UnrecordedError
from interlock.domain.ports import Columns, take
from interlock.gateway.calls import Answered, Call, Prediction
from interlock.gateway.errors import RequestFailedError
from interlock.gateway.group_sync import GroupSync
from interlock.gateway.images import Given
from interlock.gateway.metrics import Metrics
from interlock.predictions import parts
from interlock.predictions.hashing import Hasher
from interlock.predictions.records import (
    AnswerRole,
    Assignment,
    AttemptStatus,
    FailureRecord,
    PredictionRecord,
    encoder,
)

log = logging.getLogger(__name__)


class Recorder(Protocol):
    """Where records go before answers leave: the worker's spool."""

    def append(self, record: bytes, *, rows: int, endpoint: str, to_be_synced: bool = False) -> None:
        """Write one record, or raise UnrecordedError."""

    def sync(self) -> None:
        """Wait until what was to be synced is on the disk, or raise UnrecordedError. Takes milliseconds."""

    def count_unrecorded(self, endpoint: str, rows: int) -> None:
        """Note that rows were answered without a record."""


class Recording:
    """Records calls and then lets their answers go.

    Args:
        spool: Where records go.
        metrics: What is counted.
        hasher: For values that privacy rules hash.
    """

    def __init__(self, spool: Recorder, metrics: Metrics, hasher: Hasher) -> None:
        self._spool, self._metrics, self._hasher = spool, metrics, hasher
        self._group_sync = GroupSync(spool.sync)

    def answered(self, calls: Sequence[Call], answered: Answered) -> None:
        """Record a batch, one record for each way in which its calls were assigned."""
        if len(calls) == 1:
            self._record([Prediction(calls[0], answered, 0, calls[0].rows.count)], answered, None)
            return
        ways: dict[tuple[object, ...], list[Prediction]] = {}
        start = 0
        for call in calls:
            stop = start + call.rows.count
            way = (call.choice, call.status, call.fell_back)
            prediction = Prediction(call, answered, start, stop)
            if way in ways:
                ways[way].append(prediction)
            else:
                ways[way] = [prediction]
            start = stop
        for together in ways.values():
            self._record(together, answered, None if len(ways) == 1 else _rows_of(together))

    def _record(self, together: list[Prediction], answered: Answered, index: NDArray[np.int64] | None) -> None:
        """Record predictions of one way: all of the batch, or those of the rows at `index`."""
        calls = [prediction.call for prediction in together]
        columns, outputs = answered.columns, answered.outputs
        if index is not None:
            columns, outputs = _take(columns, index), take(outputs, index)
        prediction_ids = [name for call in calls for name in call.prediction_ids]
        rows = len(prediction_ids)
        now_ns = time.perf_counter_ns()
        latencies_us = [(now_ns - call.began_ns) // 1000 for call in calls]
        first, at_us = calls[0], time.time_ns() // 1000
        role = _role(first)
        units: list[str | None] = [call.unit_key for call in calls]
        withheld = None
        if (rules := first.served.log_rules) is None:
            written_inputs, written_outputs = parts.pack(columns), parts.pack(outputs)
        else:
            written_inputs = rules.inputs(columns, _images(calls), self._hasher)
            written_outputs = rules.outputs(outputs, self._hasher)
            units, withheld = rules.units(units, self._hasher), rules.withheld(columns, outputs)
        record = PredictionRecord(
            first.served.name,
            answered.version.ref,
            role,
            assignment(first, first.status),
            at_us,
            answered.model_us,
            prediction_ids,
            [call.request_id for call in calls],
            units,
            latencies_us,
            written_inputs,
            written_outputs,
            None if rows == len(calls) else [call.rows.count for call in calls],
            _event_times(calls, at_us),
            withheld,
        )
        # The meter is looked up when it counts: while a disk is waited for, the endpoint may go and come back.
        count = partial(
            self._count, first.served.name, answered.version.ref, role, rows, latencies_us, answered.model_us
        )
        plan, to_disk = first.served.plan, first.served.plan.durability == "disk"
        try:
            self._spool.append(encoder.encode(record), rows=rows, endpoint=plan.endpoint, to_be_synced=to_disk)
        except UnrecordedError as error:
            self._unrecorded(together, rows, count, error)
            return
        if to_disk:
            self._group_sync.call_when_synced(lambda error: self._let_go(together, count, error))
        else:
            self._let_go(together, count, None)

    def _count(
        self, endpoint: str, version: str, role: AnswerRole, rows: int, latencies_us: list[int], model_us: int
    ) -> None:
        self._metrics.meter(endpoint, version, role).answered(rows, latencies_us, model_us)

    def _let_go(self, together: list[Prediction], count: Callable[[], None], error: UnrecordedError | None) -> None:
        """Give the calls their answers, or the reason why they have none."""
        for prediction in together:
            call = prediction.call
            if call.future.done():
                continue
            if error is None:
                call.future.set_result(prediction)
            else:
                call.future.set_exception(RequestFailedError(error, call.quote))
        if error is None:
            count()

    def _unrecorded(
        self, together: list[Prediction], rows: int, count: Callable[[], None], error: UnrecordedError
    ) -> None:
        """The disk is full: who must not be answered without a record is not; who may is counted."""
        plan = together[0].call.served.plan
        if plan.when_full == "serve_and_count":
            self._spool.count_unrecorded(plan.endpoint, rows)
            for prediction in together:
                prediction.is_recorded = False
            self._let_go(together, count, None)
        else:
            self._let_go(together, count, error)

    def failed(self, call: Call, status: AttemptStatus) -> None:
        """Record a call that nobody could answer."""
        rules = call.served.log_rules
        record = FailureRecord(
            call.served.name,
            time.time_ns() // 1000,
            call.quote,
            assignment(call, status),
            call.unit_key if rules is None else rules.units([call.unit_key], self._hasher)[0],
            call.rows.count,
            (time.perf_counter_ns() - call.began_ns) // 1000,
        )
        try:
            self._spool.append(encoder.encode(record), rows=0, endpoint=call.served.name)
        except UnrecordedError:  # the caller gets an error either way
            log.warning("a failure of endpoint %s could not be recorded", call.served.name, exc_info=True)


def _images(calls: Sequence[Call]) -> dict[str, list[Given]]:
    """Images of calls as they were sent, by column."""
    sent = [call.rows.images or {} for call in calls]
    return {name: [one for images in sent for one in images[name]] for name in sent[0]}


def assignment(call: Call, status: AttemptStatus) -> Assignment:
    """How a call was routed, and how the version that it was assigned to did."""
    plan, choice = call.served.plan, call.choice
    is_evidence = call.pinned is None
    return Assignment(
        plan.release_id if is_evidence else None,
        plan.step if is_evidence else None,
        choice.version.ref,
        choice.is_challenger,
        status,
        choice.propensity,
    )


def _role(call: Call) -> AnswerRole:
    if call.pinned is not None:
        return "pinned"
    return "challenger" if call.choice.is_challenger and not call.fell_back else "champion"


def _event_times(calls: Sequence[Call], at_us: int) -> list[int] | None:
    if all(call.event_at_us is None for call in calls):
        return None
    times: list[int] = []
    for call in calls:
        given = call.event_at_us or [at_us]
        times += given if len(given) == call.rows.count else given * call.rows.count
    return times


def _rows_of(together: Sequence[Prediction]) -> NDArray[np.int64]:
    return np.concatenate([np.arange(one.start, one.stop) for one in together])


def _take(columns: Columns, index: NDArray[np.int64]) -> Columns:
    return Block(columns.names, columns.matrix[index]) if type(columns) is Block else take(columns, index)
