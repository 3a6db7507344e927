"""Starting, asking and ending one runner process, from the thread that owns it.

Called by `isolated`. Starting happens in that thread for a reason: the kernel's death signal follows the *thread* that
forked, so the thread must live as long as its process.
"""

import itertools
import os
import socket
import subprocess
import sys
from pathlib import Path

import msgspec

from interlock.domain.errors import ModelFailedError, UnloadableModelError
from interlock.domain.model import ModelVersion
from interlock.domain.ports import Columns
from interlock.runtimes import wire
from interlock.runtimes.one_thread import Outputs

# What a Python process needs to run. Nothing else: keys and passwords live in environments.
_KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
_ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "LOKY_MAX_CPU_COUNT",
)


class RunnerProcess:
    """One running runner. Not thread-safe.

    Raises:
        UnloadableModelError: It did not come up within `startup_seconds`, or cannot load the model.
    """

    def __init__(self, version: ModelVersion, artifacts: Path, *, startup_seconds: float) -> None:
        self._ref = version.ref
        self._ids = itertools.count(1)
        self._connection, theirs = socket.socketpair()
        with theirs:
            arguments = ["-m", "interlock.runtimes.runner", str(theirs.fileno()), str(os.getpid())]
            self._process = subprocess.Popen(
                [sys.executable, *arguments],
                pass_fds=(theirs.fileno(),),
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=2,  # a model that prints must not write into the server's own output
            )
        try:
            self._load(version, artifacts, startup_seconds)
        except BaseException:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, columns: Columns, timeout_seconds: float) -> Outputs:
        """Send rows, wait for their answer.

        Raises:
            ModelFailedError: The model failed on them; the process is well.
            wire.ClosedError: The process has died.
            TimeoutError: It has not answered; it must be killed, since its next answer would be this one.
        """
        number = next(self._ids)
        self._connection.settimeout(timeout_seconds)
        wire.send(self._connection, wire.Ask(number, wire.pack(columns)))
        frame = wire.receive(self._connection)
        if isinstance(frame, wire.Failed) and frame.id == number:
            raise ModelFailedError(self._ref, frame.status, frame.reason)
        if isinstance(frame, wire.Answer) and frame.id == number:
            return wire.unpack(frame.columns)
        raise wire.ClosedError(f"unexpected frame {type(frame).__name__}")

    def kill(self) -> int:
        """End it at once. Returns its exit code."""
        self._connection.close()
        self._process.kill()
        return self._process.wait()

    def _load(self, version: ModelVersion, artifacts: Path, startup_seconds: float) -> None:
        self._connection.settimeout(startup_seconds)
        # The reference profile may be large, and a runner has no use for it.
        lean = msgspec.structs.replace(version, profile=None)
        try:
            wire.send(self._connection, wire.Load(wire.PROTOCOL, lean, str(artifacts.absolute())))
            frame = wire.receive(self._connection)
        except TimeoutError:
            raise UnloadableModelError(
                f"the runner of {self._ref} was not ready within {startup_seconds:g} s"
            ) from None
        except wire.ClosedError:
            code = self._process.wait(5)
            raise UnloadableModelError(f"the runner of {self._ref} died while loading ({_ending(code)})") from None
        if isinstance(frame, wire.Refused):
            raise UnloadableModelError(f"{self._ref} cannot be loaded: {frame.reason}")


def environment() -> dict[str, str]:
    """The runner's environment: the essentials, and one thread for every numeric library."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    limit = os.environ.get("INTERLOCK_RUNNER_MEMORY_BYTES")
    return {
        **kept,
        **({"INTERLOCK_RUNNER_MEMORY_BYTES": limit} if limit else {}),
        **dict.fromkeys(_ONE_THREAD, "1"),
        "PYTHONUNBUFFERED": "1",
    }


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
