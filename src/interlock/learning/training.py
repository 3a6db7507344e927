"""Starts the trainer's process, waits for it within its limits, and relays its progress.

Called by the run's process. The trainer gets no secrets, so many threads as were declared, and so much memory and time;
it ends with whoever waits for it.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from interlock.domain.errors import InvalidInputError, UnloadableModelError
from interlock.learning import workspace
from interlock.learning.context import Progress, Task
from interlock.learning.trainer_process import Result
from interlock.runtimes.interpreter import environment

_LOOK_SECONDS = 0.2

Tell = Callable[[Progress], None]
"""Is told how far the trainer is."""


def train(task: Task, *, limit_seconds: float, threads: int, tell: Tell) -> Path:
    """Run a trainer.

    Args:
        task: What it is given; its folder holds the rows.
        limit_seconds: It is ended when it takes longer.
        threads: Of numeric libraries.
        tell: Called whenever it says how far it is.

    Returns:
        The file or folder of the model.

    Raises:
        InvalidInputError: It raised, took too long, or was ended.
        UnloadableModelError: It returned no model.
    """
    folder = Path(task.folder)
    workspace.write(folder / workspace.TASK, task)
    with (folder / workspace.LOG).open("ab") as log:
        command = [sys.executable, "-P", "-m", "interlock.learning.trainer_process", str(folder), str(os.getpid())]
        env = {**environment(None, threads=threads), "TMPDIR": str(folder / "scratch")}
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, cwd=folder / "scratch"
        ) as process:
            try:
                _await(process, folder, limit_seconds, tell)
            finally:
                process.kill()
    return _result(folder, process.returncode)


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
