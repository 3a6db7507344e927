"""The interpreter that a version names: whether it can run models for Interlock, and how a runner is started with it.

Called by registration (`check`) and by `runner_process`. Only administrators name one: it is a program that the server
starts.
"""

import os
import subprocess
import sys
from pathlib import Path

from interlock.domain.errors import InvalidInputError
from interlock.runtimes import start_runner

_CHECK_SECONDS = 60.0

# What a Python process needs to run. Nothing else: keys and passwords live in environments.
_KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")

# What belongs to the server's own interpreter, and would mislead another one.
_KEPT_BY_OURS = ("PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH")

# One thread for every numeric library: the threads of one model would make the latency of all others noise.
_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "LOKY_MAX_CPU_COUNT",
)


def command(python: str | None) -> list[str]:
    """What starts a runner, without its arguments."""
    return [python or sys.executable, str(Path(start_runner.__file__).absolute())]


def environment(python: str | None, *, threads: int = 1) -> dict[str, str]:
    """The environment of a model's process: the essentials, and the threads of every numeric library."""
    kept = (*_KEPT, *(_KEPT_BY_OURS if python is None else ()))
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        **dict.fromkeys(_THREADS, str(threads)),
        "PYTHONUNBUFFERED": "1",
    }


def check(python: str) -> None:
    """Try an interpreter.

    Raises:
        InvalidInputError: It is no absolute path of a program, no Python, too old, or lacks what a runner needs.
    """
    if not os.path.isabs(python):
        raise InvalidInputError(f"python == {python!r}, must be an absolute path, like /opt/venvs/old/bin/python")
    if not os.access(python, os.X_OK) or not Path(python).is_file():
        raise InvalidInputError(f"python == {python!r}, there is no such program on the server's machine")
    try:
        done = subprocess.run(
            [*command(python), "--check"],
            env=environment(python),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_CHECK_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InvalidInputError(f"python == {python!r} does not run: {error}") from error
    if done.returncode == start_runner.CANNOT:
        raise InvalidInputError(f"python == {python!r} cannot be used: {done.stderr.strip().splitlines()[-1]}")
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise InvalidInputError(f"python == {python!r} is no Python interpreter: {said[:200]}")
