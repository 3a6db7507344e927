"""Starts the trainer's process, waits for it within its limits, and relays its progress.

Called by the run's process. The trainer gets no secrets, so many threads as were declared, and so much memory and time;
it ends with whoever waits for it.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from interlock.domain.errors import InvalidInputError, UnloadableModelError
from interlock.learning import trainer_log, workspace
from interlock.learning.context import Progress, Task
from interlock.learning.trainer_log import TrainerLog
from interlock.learning.trainer_process import Result
from interlock.runtimes.interpreter import environment

_LOOK_SECONDS = 0.2

Tell = Callable[[Progress], None]
"""Is told how far the trainer is."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of the trainer's process: its time, threads of numeric libraries, and the size of its log."""

    seconds: float
    threads: int
    log_bytes: int


def train(task: Task, limits: Limits, tell: Tell) -> Path:
    """Run a trainer.

    Args:
        task: What it is given; its folder holds the rows.
        limits: It is ended when it takes longer.
        tell: Called whenever it says how far it is.

    Returns:
        The file or folder of the model.

    Raises:
        InvalidInputError: It raised, took too long, or was ended.
        UnloadableModelError: It returned no model.
    """
    folder = Path(task.folder)
    workspace.write(folder / workspace.TASK, task)
    process = _start(folder, limits.threads)
    assert process.stdout is not None
    listening = TrainerLog(folder / workspace.LOG, limits.log_bytes).follow(process.stdout)
    try:
        _await(process, folder, limits.seconds, tell)
    finally:
        process.kill()
        process.wait()
        trainer_log.end(listening)
    return _result(folder, process.returncode)


def _start(folder: Path, threads: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "interlock.learning.trainer_process", str(folder), str(os.getpid())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**environment(None, threads=threads), "TMPDIR": str(folder / "scratch")},
        cwd=folder / "scratch",
    )


def _await(process: "subprocess.Popen[bytes]", folder: Path, limit_seconds: float, tell: Tell) -> None:
    until, seen = time.monotonic() + limit_seconds, None
    while process.poll() is None:
        if time.monotonic() >= until:
            raise InvalidInputError(
                f"the trainer took longer than {limit_seconds / 60:g} minutes and was ended; "
                "see its log, or allow more (limit_minutes)"
            )
        said = _progress(folder)
        if said is not None and said != seen:
            tell(said)
            seen = said
        try:
            process.wait(_LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            continue


def _progress(folder: Path) -> Progress | None:
    try:
        return msgspec.json.decode((folder / workspace.PROGRESS).read_bytes(), type=Progress)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _result(folder: Path, code: int) -> Path:
    path = folder / workspace.RESULT
    if not path.exists():
        raise InvalidInputError(f"the trainer's process ended without a result ({_how(code)}); see the run's log")
    result = msgspec.json.decode(path.read_bytes(), type=Result)
    if result.error:
        raise InvalidInputError(result.error)
    if not Path(result.model).exists():
        raise UnloadableModelError(f"the trainer's model {result.model} is gone")
    return Path(result.model)


def _how(code: int) -> str:
    if code == -9:
        return "it was killed, most often for lack of memory on the machine"
    return f"signal {-code}" if code < 0 else f"exit code {code}"
