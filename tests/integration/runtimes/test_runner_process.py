"""One runner process: its limits, its health, its interpreter, and what it leaves behind."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from interlock.domain.errors import InvalidInputError, ModelFailedError, UnloadableModelError
from interlock.domain.model import ModelVersion, Runner
from interlock.runtimes import interpreter, runner_process
from interlock.runtimes.runner_process import RunnerProcess

Make = Callable[[], tuple[ModelVersion, Path]]

HUGE, TEMPORARY, LIMIT = -10.0, -11.0, -12.0


def started(faulty: Make, runner: Runner | None = None, *, startup_seconds: float = 60.0) -> RunnerProcess:
    version, artifacts = faulty()
    version = msgspec.structs.replace(version, runner=runner or Runner())
    return RunnerProcess(version, artifacts, startup_seconds=startup_seconds)


@pytest.fixture
def process(faulty: Make) -> Iterator[RunnerProcess]:
    process = started(faulty)
    yield process
    process.kill()


def ask(process: RunnerProcess, x: float) -> float:
    return float(process.ask({"x": np.array([x])}, 10.0)["prediction"][0])


def test_a_model_that_wants_more_memory_than_its_limit_fails_that_request_only(faulty: Make) -> None:
    process = started(faulty, Runner(memory_bytes=600 * 2**20))
    try:
        with pytest.raises(ModelFailedError, match="MemoryError"):
            ask(process, HUGE)
        assert ask(process, 4) == 8
        assert process.is_alive
    finally:
        process.kill()


def test_the_limit_of_the_setting_counts_where_a_version_has_none(
    faulty: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERLOCK_RUNNER_MEMORY_BYTES", str(700 * 2**20))
    process = started(faulty)
    try:
        assert ask(process, LIMIT) == 700 * 2**20
    finally:
        process.kill()


def test_a_limit_that_is_too_small_to_start_in_is_told(faulty: Make) -> None:
    with pytest.raises(UnloadableModelError, match=r"runner of faulty:1 died while loading|cannot be loaded"):
        started(faulty, Runner(memory_bytes=2**20))


def test_a_version_may_take_longer_to_start_than_the_default(faulty: Make) -> None:
    started(faulty, Runner(startup_seconds=60), startup_seconds=0.001).kill()
    with pytest.raises(UnloadableModelError, match=r"not ready within 0\.001 s"):
        started(faulty, Runner(startup_seconds=0.001))


def test_an_idle_process_is_asked_whether_it_is_well(process: RunnerProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_process, "_PING_EVERY_SECONDS", 0.0)
    monkeypatch.setattr(runner_process, "_PING_SECONDS", 0.5)
    assert ask(process, 4) == 8  # from now on it is asked each time
    assert process.is_well()
    assert ask(process, 4) == 8
    os.kill(process.pid, signal.SIGSTOP)
    assert process.is_alive
    assert not process.is_well()


def test_a_process_that_has_ended_is_not_well(process: RunnerProcess) -> None:
    assert process.is_well()
    os.kill(process.pid, signal.SIGKILL)
    end = time.monotonic() + 10
    while process.is_alive and time.monotonic() < end:
        os.sched_yield()
    assert not process.is_well()


def test_what_it_left_in_the_temporary_folder_goes_with_it(faulty: Make, tmp_path: Path) -> None:
    before = set(Path(tempfile.gettempdir()).glob("interlock-runner-*"))
    process = started(faulty)
    assert ask(process, TEMPORARY) > 0
    (scratch,) = set(Path(tempfile.gettempdir()).glob("interlock-runner-*")) - before
    assert len(list(scratch.iterdir())) == 1
    process.kill()
    assert not scratch.exists()


def test_it_says_with_what_other_versions_it_runs(faulty: Make, capfd: pytest.CaptureFixture[str]) -> None:
    version, artifacts = faulty()
    changed = msgspec.structs.replace(version, frameworks={"numpy": "1.0"})
    RunnerProcess(changed, artifacts, startup_seconds=60).kill()
    assert f"faulty:1 was registered with numpy 1.0 and runs with {np.__version__}" in capfd.readouterr().err


def test_a_runner_needs_msgspec_and_numpy_and_nothing_else_of_the_server() -> None:
    program = """
        import sys
        before = set(sys.modules)
        import interlock.runtimes.runner, interlock.runtimes.checked
        packages = {name.partition(".")[0] for name in set(sys.modules) - before}
        # msgspec takes typing_extensions where it is there, and does without.
        print(sorted(packages - sys.stdlib_module_names - {"interlock", "typing_extensions"}))
    """
    lines = "\n".join(line.strip() for line in program.splitlines())
    done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['msgspec', 'numpy']"


def test_the_servers_own_interpreter_will_do() -> None:
    interpreter.check(sys.executable)


@pytest.fixture
def bare(tmp_path: Path) -> str:
    """An interpreter without any package."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    return str(tmp_path / "bare" / "bin" / "python")


def test_an_interpreter_that_lacks_what_a_runner_needs_is_refused_with_what_to_do(bare: str) -> None:
    with pytest.raises(InvalidInputError, match=r"lacks msgspec and numpy; install with: .*pip install msgspec numpy"):
        interpreter.check(bare)


def test_a_version_whose_interpreter_lost_a_package_says_so(faulty: Make, bare: str) -> None:
    with pytest.raises(UnloadableModelError, match=r"is older than Python 3\.11, or lacks msgspec or numpy"):
        started(faulty, Runner(python=bare))


def test_a_version_whose_interpreter_has_gone_says_so(faulty: Make) -> None:
    with pytest.raises(UnloadableModelError, match="/gone/python cannot be started"):
        started(faulty, Runner(python="/gone/python"))


@pytest.mark.parametrize(
    ("python", "named"),
    [
        ("python3", "must be an absolute path"),
        ("/no/such/python", "there is no such program"),
        ("/etc/passwd", "there is no such program"),
        ("/bin/false", "is no Python interpreter: it says nothing"),
        ("/bin/ls", "is no Python interpreter"),
    ],
)
def test_what_is_no_interpreter_is_refused_by_name(python: str, named: str) -> None:
    with pytest.raises(InvalidInputError, match=f"^python == '{python}'.*{named}"):
        interpreter.check(python)


def test_another_interpreter_sees_nothing_of_the_servers_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/ours")
    monkeypatch.setenv("SECRET_TOKEN", "x")
    assert interpreter.environment(None)["PYTHONPATH"] == "/ours"
    assert not {"PYTHONPATH", "SECRET_TOKEN"} & interpreter.environment("/other/python").keys()
