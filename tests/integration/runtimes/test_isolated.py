import asyncio
import os
import select
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import numpy as np
import pytest

from interlock.domain.errors import DeadlineExceededError, ModelFailedError, UnloadableModelError
from interlock.domain.model import ModelVersion
from interlock.runtimes.isolated import IsolatedRuntime

Make = Callable[[], tuple[ModelVersion, Path]]

RAISE, HANG, DIE, NAN, PRINT, SLOW, SECRETS, THREADS, PID = (float(-number) for number in range(1, 10))


@asynccontextmanager
async def running(faulty: Make) -> AsyncIterator[IsolatedRuntime]:
    runtime = await asyncio.to_thread(IsolatedRuntime, *faulty())
    try:
        yield runtime
    finally:
        await runtime.close()


async def ask(runtime: IsolatedRuntime, x: float, deadline_seconds: float = 5.0) -> float:
    outputs = await runtime.predict({"x": np.array([x])}, deadline_seconds)
    return float(outputs["prediction"][0])


async def restarted(runtime: IsolatedRuntime, within_seconds: float = 20.0) -> None:
    """Wait until it answers again; fails if it does not."""
    async with asyncio.timeout(within_seconds):
        while True:
            try:
                assert await ask(runtime, 4) == 8
                return
            except ModelFailedError:
                await asyncio.sleep(0.02)


async def status_of(runtime: IsolatedRuntime, x: float, deadline_seconds: float = 5.0) -> str:
    with pytest.raises(ModelFailedError) as failed:
        await ask(runtime, x, deadline_seconds)
    return failed.value.status


def test_a_model_that_raises_fails_that_request_and_keeps_its_process(faulty: Make) -> None:
    async def run() -> None:
        async with running(faulty) as runtime:
            pid = runtime.pid
            with pytest.raises(ModelFailedError, match="ValueError: no negative amounts") as failed:
                await ask(runtime, RAISE)
            assert failed.value.status == "model_error"
            assert await ask(runtime, 4) == 8
            assert runtime.pid == pid

    asyncio.run(run())


def test_a_number_that_is_none_is_an_invalid_output(faulty: Make) -> None:
    async def run() -> str:
        async with running(faulty) as runtime:
            return await status_of(runtime, NAN)

    assert asyncio.run(run()) == "invalid_output"


def test_a_process_killed_from_outside_is_replaced(faulty: Make) -> None:
    async def run() -> None:
        async with running(faulty) as runtime:
            before = runtime.pid
            assert before is not None
            os.kill(before, signal.SIGKILL)
            await restarted(runtime)
            assert runtime.pid != before

    asyncio.run(run())


def test_a_process_that_dies_during_a_request_costs_that_request_only(faulty: Make) -> None:
    async def run() -> None:
        async with running(faulty) as runtime:
            assert await status_of(runtime, DIE) == "model_error"
            await restarted(runtime)

    asyncio.run(run())


def test_while_its_process_restarts_requests_wait_for_it_as_long_as_they_may(faulty: Make) -> None:
    async def run() -> None:
        async with running(faulty) as runtime:
            await status_of(runtime, DIE)
            assert await status_of(runtime, 4, 0.01) in ("breaker_open", "timeout")
            assert await ask(runtime, 4, 60.0) == 8


def test_while_its_process_cannot_be_started_requests_fail_at_once(faulty: Make, tmp_path: Path) -> None:
    async def run() -> None:
        async with running(faulty) as runtime:
            (tmp_path / "broken").touch()
            await status_of(runtime, DIE)
            async with asyncio.timeout(20):
                while runtime.failed_starts == 0:
                    await asyncio.sleep(0.02)
            start = time.monotonic()
            assert await status_of(runtime, 4, 60.0) == "breaker_open"
            assert time.monotonic() - start < 0.5

    asyncio.run(run())


def test_a_hanging_model_meets_the_deadline_and_is_then_ended_and_replaced(faulty: Make) -> None:
    async def run() -> None:
        async with running(faulty) as runtime:
            before, start = runtime.pid, time.monotonic()
            with pytest.raises(DeadlineExceededError):
                await ask(runtime, HANG, 0.2)
            assert time.monotonic() - start < 0.5
            assert await status_of(runtime, 4) == "breaker_open"  # it still hangs
            await restarted(runtime)
            assert runtime.pid != before

    asyncio.run(run())


def test_a_late_answer_goes_to_no_one(faulty: Make) -> None:
    async def run() -> None:
        async with running(faulty) as runtime:
            pid = runtime.pid
            with pytest.raises(DeadlineExceededError):
                await ask(runtime, SLOW, 0.15)
            await restarted(runtime)  # each answer is 8, never the late -12
            assert runtime.pid == pid  # slow is not stuck

    asyncio.run(run())


def test_after_five_timeouts_in_a_row_it_is_no_longer_asked_for_a_while(faulty: Make) -> None:
    async def run() -> None:
        async with running(faulty) as runtime, asyncio.timeout(30):
            statuses: list[str] = []
            while statuses.count("timeout") < 5:
                statuses.append(await status_of(runtime, SLOW, 0.15))
                await asyncio.sleep(0.02)
            with pytest.raises(ModelFailedError, match="5 failures of its process in a row"):
                await ask(runtime, 4)
            await restarted(runtime)

    asyncio.run(run())


def test_a_model_that_exits_while_loading_is_unloadable(faulty: Make, tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    with pytest.raises(UnloadableModelError, match=r"died while loading \(exit code 3\)"):
        IsolatedRuntime(*faulty())


def test_a_process_that_is_not_ready_in_time_is_unloadable(faulty: Make) -> None:
    with pytest.raises(UnloadableModelError, match="not ready within"):
        IsolatedRuntime(*faulty(), startup_seconds=0.001)


def test_starting_is_tried_again_until_it_works(faulty: Make, tmp_path: Path) -> None:
    async def run() -> None:
        async with running(faulty) as runtime:
            (tmp_path / "broken").touch()
            await status_of(runtime, DIE)
            async with asyncio.timeout(20):
                while runtime.failed_starts == 0:
                    await asyncio.sleep(0.02)
            assert await status_of(runtime, 4) == "breaker_open"
            (tmp_path / "broken").unlink()
            await restarted(runtime)

    asyncio.run(run())


def test_its_environment_holds_no_secrets_and_one_thread(faulty: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "x")
    monkeypatch.setenv("INTERLOCK_API_KEY", "x")

    async def run() -> tuple[float, float]:
        async with running(faulty) as runtime:
            return await ask(runtime, SECRETS), await ask(runtime, THREADS)

    assert asyncio.run(run()) == (0.0, 1.0)


def test_what_a_model_prints_does_not_reach_standard_output(faulty: Make, capfd: pytest.CaptureFixture[str]) -> None:
    async def run() -> None:
        async with running(faulty) as runtime:
            assert await ask(runtime, PRINT) == -10

    asyncio.run(run())
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "a model that prints" in captured.err


def test_more_requests_than_the_queue_holds_are_refused_at_once(faulty: Make) -> None:
    async def run() -> list[str]:
        async with running(faulty) as runtime:
            asked = [status_or_ok(runtime, SLOW) for _ in range(1)] + [status_or_ok(runtime, 4) for _ in range(80)]
            return await asyncio.gather(*asked)

    async def status_or_ok(runtime: IsolatedRuntime, x: float) -> str:
        try:
            await ask(runtime, x, 10.0)
        except ModelFailedError as error:
            return error.status
        return "ok"

    outcomes = asyncio.run(run())
    assert outcomes.count("breaker_open") >= 80 - 65
    assert outcomes.count("ok") >= 64


def test_close_ends_the_process_also_while_it_hangs(faulty: Make) -> None:
    async def run() -> int:
        async with running(faulty) as runtime:
            pid = runtime.pid
            with pytest.raises(DeadlineExceededError):
                await ask(runtime, HANG, 0.5)
        assert pid is not None
        return pid

    with pytest.raises(ProcessLookupError):
        os.kill(asyncio.run(run()), 0)


def test_the_process_dies_with_its_parent(faulty: Make, tmp_path: Path) -> None:
    version, artifacts = faulty()
    (tmp_path / "version.json").write_bytes(msgspec.json.encode(version))
    program = f"""
        import pathlib, msgspec
        from interlock.domain.model import ModelVersion
        from interlock.runtimes.isolated import IsolatedRuntime
        version = msgspec.json.decode(pathlib.Path({str(tmp_path / "version.json")!r}).read_bytes(), type=ModelVersion)
        runtime = IsolatedRuntime(version, pathlib.Path({str(artifacts)!r}))
        print(runtime.pid, flush=True)
        input()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        runner = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
        parent.wait()
    try:
        ended, _, _ = select.select([runner], [], [], 5.0)
        assert ended == [runner]
    finally:
        os.close(runner)
