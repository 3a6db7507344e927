"""A model in this process: where its batches run, and what becomes of one that hangs."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Field
from interlock.domain.errors import DeadlineExceededError, ModelFailedError, UnloadableModelError
from interlock.domain.ports import Columns, Runtime
from interlock.runtimes.checked import CheckedPredictor
from interlock.runtimes.inline import InlineRuntime
from interlock.runtimes.one_thread import QUEUE_LENGTH


class Recorded:
    """A predictor that notes its thread and waits where it is told to."""

    def __init__(self) -> None:
        self.threads: list[int] = []
        self.may_go_on = threading.Event()
        self.started = threading.Event()
        self.closed = False

    def predict(self, columns: Columns) -> dict[str, NDArray[Any]]:
        self.threads.append(threading.get_ident())
        if columns["x"][0] < 0:
            self.started.set()
            self.may_go_on.wait(10)
        return {"prediction": columns["x"] * 2}

    def close(self) -> None:
        self.closed = True


def inline(
    model: Recorded, *, row_us: float | None = None, isolate: Callable[[], Runtime] | None = None
) -> InlineRuntime:
    def nowhere() -> Runtime:
        raise UnloadableModelError("no process here")

    contract = Contract(inputs=(), outputs=(Field(name="prediction", datatype="FP64"),), task="regression")
    return InlineRuntime(CheckedPredictor(model, contract, "m:1"), "m:1", row_us=row_us, isolate=isolate or nowhere)


def rows(count: int, value: float = 1.0) -> Columns:
    return {"x": np.full(count, value)}


def test_small_work_runs_in_the_loop_and_large_work_beside_it() -> None:
    model = Recorded()

    async def run() -> None:
        runtime = inline(model, row_us=10.0)
        assert runtime.rows_in_loop == 200
        runtime.predict_now(rows(200))
        await runtime.predict(rows(201), 1.0)
        await runtime.close()

    asyncio.run(run())
    here = threading.get_ident()
    assert [thread == here for thread in model.threads] == [True, False]
    assert model.closed


def test_a_model_of_unknown_time_never_runs_in_the_loop() -> None:
    model = Recorded()

    async def run() -> None:
        runtime = inline(model)
        assert runtime.rows_in_loop == 0
        await runtime.predict(rows(1), 1.0)
        await runtime.close()

    asyncio.run(run())
    assert model.threads != [threading.get_ident()]


def test_the_loop_goes_on_while_the_thread_is_stuck_and_further_calls_fail_at_once() -> None:
    model = Recorded()

    async def run() -> None:
        runtime = inline(model)
        with pytest.raises(DeadlineExceededError):
            await runtime.predict(rows(1, -1.0), 0.05)
        start = time.monotonic()
        with pytest.raises(ModelFailedError, match="past its deadline") as failed:
            await runtime.predict(rows(1), 10.0)
        assert failed.value.status == "breaker_open"
        assert time.monotonic() - start < 0.5
        model.may_go_on.set()
        async with asyncio.timeout(10):
            while True:
                try:
                    answer = await runtime.predict(rows(1, 3.0), 1.0)
                except ModelFailedError:
                    await asyncio.sleep(0.01)
                    continue
                assert answer["prediction"].tolist() == [6.0]  # not the late -2
                break
        await runtime.close()

    asyncio.run(run())


def test_what_waits_is_bounded() -> None:
    model = Recorded()

    async def run() -> list[Any]:
        runtime = inline(model)
        first = asyncio.ensure_future(runtime.predict(rows(1, -1.0), 10.0))
        await asyncio.to_thread(model.started.wait, 10)
        waiting = [asyncio.ensure_future(runtime.predict(rows(1), 10.0)) for _ in range(QUEUE_LENGTH + 5)]
        await asyncio.sleep(0)
        model.may_go_on.set()
        outcomes = await asyncio.gather(first, *waiting, return_exceptions=True)
        await runtime.close()
        return outcomes

    outcomes = asyncio.run(run())
    refused = [one for one in outcomes if isinstance(one, ModelFailedError)]
    assert [one.status for one in refused] == ["breaker_open"] * 5


def test_work_whose_deadline_passed_while_it_waited_is_not_done() -> None:
    model = Recorded()

    async def run() -> None:
        runtime = inline(model)
        first = asyncio.ensure_future(runtime.predict(rows(1, -1.0), 10.0))
        await asyncio.to_thread(model.started.wait, 10)
        with pytest.raises(DeadlineExceededError):
            await runtime.predict(rows(1), 0.02)
        model.may_go_on.set()
        await first
        await runtime.close()

    asyncio.run(run())
    assert len(model.threads) == 1


def test_a_stuck_thread_does_not_keep_close_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Recorded()

    async def run() -> float:
        runtime = inline(model)
        with pytest.raises(DeadlineExceededError):
            await runtime.predict(rows(1, -1.0), 0.02)
        start = time.monotonic()
        await runtime.close()
        return time.monotonic() - start

    taken = asyncio.run(run())
    model.may_go_on.set()
    assert taken < 8


def test_a_process_that_could_not_be_started_is_tried_again_while_the_model_is_stuck(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("interlock.runtimes.inline._RETRY_SECONDS", 0.05)
    model, outcomes = Recorded(), [OSError("no file left"), None]

    async def run() -> bool:
        def isolate() -> Runtime:
            if (error := outcomes.pop(0)) is not None:
                raise error
            return inline(Recorded())

        runtime = inline(model, isolate=isolate)
        with pytest.raises(DeadlineExceededError):
            await runtime.predict(rows(1, -1.0), 0.02)
        async with asyncio.timeout(10):
            while not runtime.is_moved:
                await asyncio.sleep(0.01)
        outputs = await runtime.predict(rows(1), 1.0)
        model.may_go_on.set()
        await runtime.close()
        return bool(outputs["prediction"].tolist() == [2.0])

    assert asyncio.run(run())
