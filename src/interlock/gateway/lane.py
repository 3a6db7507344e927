"""What waits for one version: the calls of one turn of the event loop are its next batch, and nothing waits for more.

    put ──► waiting now ──(a) this turn is over───────────────► one batch in the loop
       └──► waiting ──────(b) the batch before it is done─────► one batch in the runtime's thread or process
    batch fails ──(c) of several calls──► each once more, alone: a bad row does not cost its neighbours an answer
    waits too long ──(d)──► taken out and failed at its deadline

Called by `answering`, which gets every call back: answered, or failed. A call whose caller has gone is dropped before
it costs anything.
"""

import asyncio
import logging
import time
from collections import deque
from contextlib import nullcontext
from math import inf
from typing import Any, Protocol

from interlock.domain.errors import DeadlineExceededError, ModelFailedError, OverloadedError, RunnerLostError
from interlock.domain.ports import Columns
from interlock.gateway.calls import Answered, Call
from interlock.gateway.in_flight import InFlight
from interlock.gateway.served import LoadedVersion

log = logging.getLogger(__name__)

# What waits for one version at most: bounds memory. Whoever comes later is told to come again.
MOST_CALLS = 1024
MOST_ROWS = 20_000

# Failures that one row may have brought upon a batch.
_OF_A_ROW = ("model_error", "invalid_output")

# Rows in one batch outside the loop: many enough to be as cheap as they get, few enough to be answered soon.
BATCH_ROWS = 1024


class Settle(Protocol):
    """Where calls go from a lane."""

    def answered(self, calls: list[Call], answered: Answered) -> None:
        """A batch has its answer."""

    def failed(self, call: Call, error: ModelFailedError) -> None:
        """A call has none."""


class Lane:
    """The lane of one version.

    Args:
        version: Who answers.
        settle: Where calls go.
        in_flight: Remembers what runs in this process, should it not survive that.
    """

    def __init__(self, version: LoadedVersion, settle: Settle, in_flight: InFlight) -> None:
        self._version, self._settle, self._in_flight = version, settle, in_flight
        self._runtime = version.runtime
        self._is_in_thread = version.version.placement not in ("isolated", "remote")
        self._loop = asyncio.get_running_loop()
        self._now: deque[Call] = deque()
        self._later: deque[Call] = deque()
        self._rows = 0
        self._is_scheduled = False
        self._working: asyncio.Task[None] | None = None

    def put(self, call: Call) -> None:
        """Let a call wait for its batch.

        Raises:
            OverloadedError: Too many wait already.
        """
        if len(self._now) + len(self._later) >= MOST_CALLS or (self._rows and self._rows + call.rows.count > MOST_ROWS):
            waiting = f"{len(self._now) + len(self._later)} requests wait for {self._version.ref} already"
            raise OverloadedError(f"{waiting}; try again later")
        call.lane = self
        self._rows += call.rows.count
        if call.rows.count <= self._runtime.rows_in_loop:
            self._now.append(call)
            if not self._is_scheduled:
                self._is_scheduled = True
                self._loop.call_soon(self._answer_now)
            return
        call.timer = self._loop.call_at(call.deadline_at, self._expire, call)
        self._later.append(call)
        self._begin_later()

    # In the loop.

    def _answer_now(self) -> None:
        """(a) One batch, or the next turn's share of what waits."""
        self._is_scheduled = False
        calls = self._take(self._now, self._runtime.rows_in_loop)
        if self._now:
            self._is_scheduled = True
            self._loop.call_soon(self._answer_now)
        if calls:
            self._do_now(calls)

    def _do_now(self, calls: list[Call]) -> None:
        try:
            columns, fed = self._join(calls)
            began = time.perf_counter_ns()
            self._in_flight.enter(self._version.ref)
            outputs = self._runtime.predict_now(fed)
            self._in_flight.leave()
            model_us = (time.perf_counter_ns() - began) // 1000
            answered = self._answered(calls, columns, outputs, model_us)
        except Exception as error:
            self._in_flight.leave()
            self._failed_now(calls, self._explained(error))
            return
        self._settle.answered(calls, answered)

    def _failed_now(self, calls: list[Call], error: ModelFailedError) -> None:
        if len(calls) == 1:
            self._settle.failed(calls[0], error)
            return
        for call in calls:  # (c)
            self._do_now([call])

    # In a thread or process.

    def _begin_later(self) -> None:
        if self._working is None and self._later:
            self._working = self._loop.create_task(self._answer_later())

    async def _answer_later(self) -> None:
        """(b) Batch after batch, as long as something waits."""
        try:
            while self._later:
                if calls := self._take(self._later, BATCH_ROWS):
                    await self._do_later(calls)
        finally:
            self._working = None
            self._begin_later()

    async def _do_later(self, calls: list[Call]) -> None:
        # The endpoint's deadline, whatever callers said: who is in a hurry stops waiting (d), and that is no reason to
        # take a process for stuck.
        seconds = max(call.served.deadline_seconds for call in calls)
        try:
            columns, fed = self._join(calls)
            began = time.perf_counter_ns()
            with self._in_flight.beside(self._version.ref) if self._is_in_thread else nullcontext():
                outputs = await self._runtime.predict(fed, seconds)
            model_us = (time.perf_counter_ns() - began) // 1000
            answered = self._answered(calls, columns, outputs, model_us)
        except Exception as error:
            await self._failed_later(calls, self._explained(error))
            return
        mine = [call for call in calls if self._release(call)]
        if len(mine) == len(calls):
            self._settle.answered(calls, answered)
        else:
            self._settle_part(calls, mine, answered)

    def _settle_part(self, calls: list[Call], mine: list[Call], answered: Answered) -> None:
        """Only some of a batch still wait for it: the others were past their own deadline."""
        start = 0
        for call in calls:
            stop = start + call.rows.count
            if call in mine:
                part = slice(start, stop)
                self._settle.answered(
                    [call],
                    Answered(
                        answered.version,
                        self._join([call])[0],
                        {name: values[part] for name, values in answered.outputs.items()},
                        {name: values[part] for name, values in answered.plain.items()},
                        answered.model_us,
                    ),
                )
            start = stop

    async def _failed_later(self, calls: list[Call], error: ModelFailedError) -> None:
        if len(calls) > 1 and error.status in _OF_A_ROW and not isinstance(error, RunnerLostError):
            for call in calls:  # (c)
                if call.lane is self:
                    await self._do_later([call])
            return
        for call in calls:
            if self._release(call):
                self._settle.failed(call, error)

    def _expire(self, call: Call) -> None:
        """(d)"""
        if self._release(call):
            seconds = min(call.served.deadline_seconds, call.deadline_seconds or inf)
            self._settle.failed(call, DeadlineExceededError(self._version.ref, seconds * 1000))

    def _release(self, call: Call) -> bool:
        """Whether the call is still this lane's; from now on it is not."""
        if call.lane is not self:
            return False
        call.lane = None
        if call.timer is not None:
            call.timer.cancel()
            call.timer = None
        return True

    # Both.

    def _take(self, waiting: deque[Call], most_rows: int) -> list[Call]:
        """The next batch: calls that can be joined, in order. Those that have gone or are too late are dropped."""
        calls: list[Call] = []
        rows, now = 0, self._loop.time()
        while waiting:
            call = waiting[0]
            if calls and (rows + call.rows.count > most_rows or not _may_join(calls[0], call)):
                break
            waiting.popleft()
            self._rows -= call.rows.count
            if call.lane is not self or call.future.done():
                self._release(call)
            elif now > call.deadline_at:
                self._expire(call)
            else:
                calls.append(call)
                rows += call.rows.count
        return calls

    def _join(self, calls: list[Call]) -> tuple[Columns, Columns]:
        """The batch as its requests gave it, and as the model takes it."""
        first = calls[0]
        reader = first.served.champion.reader if first.pinned is None else first.pinned.reader
        columns = reader.join([call.rows for call in calls])
        adapt = first.served.adapters.get(self._version.ref) if first.pinned is None else None
        if adapt is None:
            return columns, columns
        return columns, adapt(columns, sum(call.rows.count for call in calls))

    def _answered(self, calls: list[Call], columns: Columns, outputs: dict[str, Any], model_us: int) -> Answered:
        rows = sum(call.rows.count for call in calls)
        return Answered(self._version, columns, outputs, self._version.plain(outputs, rows), model_us)

    def _explained(self, error: Exception) -> ModelFailedError:
        if isinstance(error, ModelFailedError):
            return error
        log.warning("model %s raised", self._version.ref, exc_info=error)
        return ModelFailedError(self._version.ref, "model_error", type(error).__name__)


def _may_join(first: Call, call: Call) -> bool:
    # One whose batch has taken a process with it goes alone.
    return (
        call.served is first.served
        and call.pinned is first.pinned
        and call.rows.shapes == first.rows.shapes
        and first.retries == call.retries == 0
    )
