"""Starting, asking and ending one runner process, from the thread that owns it.

Called by `isolated`, and by registration, which asks models in the process that will serve them. Starting happens in
that thread for a reason: the kernel's death signal follows the *thread* that forked, so the thread must live as long as
its process.
"""

import contextlib
import itertools
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from interlock.domain.errors import ModelFailedError, UnloadableModelError
from interlock.domain.model import ModelVersion
from interlock.domain.ports import Columns
from interlock.runtimes import interpreter, start_runner, wire
from interlock.runtimes.facts import Facts
from interlock.runtimes.memory import memory_bytes
from interlock.runtimes.one_thread import Outputs
from interlock.settings import RUNNER_MEMORY

# An idle process is asked whether it is well so often, and has so long to say yes: a busy machine may need it.
_PING_EVERY_SECONDS = 5.0
_PING_SECONDS = 5.0


class RunnerProcess:
    """One running runner. Not thread-safe.

    Args:
        version: What it loads.
        artifacts: Folder of artifacts.
        startup_seconds: How long loading may take, unless the version says otherwise.

    Raises:
        UnloadableModelError: It did not come up in time, or cannot load the model.
    """

    def __init__(self, version: ModelVersion, artifacts: Path, *, startup_seconds: float) -> None:
        self._start(version, artifacts, startup_seconds)
        self.load(version)

    @classmethod
    def empty(cls, version: ModelVersion, artifacts: Path, *, startup_seconds: float) -> "RunnerProcess":
        """A process that has loaded nothing yet, in the interpreter of a version: for registration.

        Raises:
            UnloadableModelError: It cannot be started.
        """
        process = cls.__new__(cls)
        process._start(version, artifacts, startup_seconds)
        return process

    def _start(self, version: ModelVersion, artifacts: Path, startup_seconds: float) -> None:
        self._ref, self._runner = version.ref, version.runner
        self._artifacts, self._startup_seconds = artifacts, version.runner.startup_seconds or startup_seconds
        self._ids = itertools.count(1)
        self._ping_at = time.monotonic() + _PING_EVERY_SECONDS
        python = version.runner.python
        # Killed, it cannot clean up behind itself.
        self._scratch = tempfile.TemporaryDirectory(prefix="interlock-runner-", ignore_cleanup_errors=True)
        self._connection, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = subprocess.Popen(
                    [*interpreter.command(python), str(theirs.fileno()), str(os.getpid())],
                    pass_fds=(theirs.fileno(),),
                    env={
                        **interpreter.environment(python),
                        RUNNER_MEMORY: str(memory_bytes(version.runner)),
                        "TMPDIR": self._scratch.name,
                    },
                    stdin=subprocess.DEVNULL,
                    stdout=2,  # a model that prints must not write into the server's own output
                )
            except OSError as error:
                self._connection.close()
                self._scratch.cleanup()
                reason = f"{python or sys.executable} cannot be started ({error.strerror})"
                raise UnloadableModelError(f"{version.ref} cannot be loaded: {reason}") from error

    def describe(self, version: ModelVersion) -> Facts:
        """Open a stored model whose contract is not known yet, and say what it is.

        Raises:
            UnloadableModelError: It is not a model that can be served; the process has ended.
        """
        frame = self._begin(wire.Describe(wire.PROTOCOL, version, str(self._artifacts.absolute())))
        if not isinstance(frame, wire.Described):
            raise UnloadableModelError(f"{version.ref} cannot be loaded: unexpected frame {type(frame).__name__}")
        return frame.facts

    def load(self, version: ModelVersion) -> None:
        """Load a version, in place of what was loaded before.

        Raises:
            UnloadableModelError: It cannot be loaded; the process has ended.
        """
        # The reference profile may be large, and a runner has no use for it.
        lean = msgspec.structs.replace(version, profile=None)
        self._begin(wire.Load(wire.PROTOCOL, lean, str(self._artifacts.absolute())))

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def is_well(self) -> bool:
        """Whether it lives and, asked now and then, says so. Call it only while nothing else is asked of it."""
        if not self.is_alive:
            return False
        if time.monotonic() < self._ping_at:
            return True
        number = next(self._ids)
        self._connection.settimeout(_PING_SECONDS)
        try:
            wire.send(self._connection, wire.Ping(number))
            answer = wire.receive(self._connection)
        except (TimeoutError, wire.ClosedError):
            return False
        self._ping_at = time.monotonic() + _PING_EVERY_SECONDS
        return answer == wire.Pong(number)

    def ask(self, columns: Columns, timeout_seconds: float) -> Outputs:
        """Send rows, wait for their answer.

        Raises:
            ModelFailedError: The model failed on them; the process is well.
            wire.ClosedError: The process has died.
            TimeoutError: It has not answered; it must be killed, since its next answer would be this one.
        """
        number, connection = next(self._ids), self._connection
        connection.settimeout(timeout_seconds)
        wire.send(connection, wire.Ask(number, wire.pack(columns)))
        frame = wire.receive(connection)
        self._ping_at = time.monotonic() + _PING_EVERY_SECONDS
        if isinstance(frame, wire.Failed) and frame.id == number:
            raise ModelFailedError(self._ref, frame.status, frame.reason)
        if isinstance(frame, wire.Answer) and frame.id == number:
            return wire.unpack(frame.columns)
        raise wire.ClosedError(f"unexpected frame {type(frame).__name__}")

    def kill(self) -> int:
        """End it at once. Returns its exit code."""
        self._connection.close()
        self._process.kill()
        code = self._process.wait()
        self._scratch.cleanup()
        return code

    def _begin(self, frame: wire.Load | wire.Describe) -> wire.Frame:
        self._connection.settimeout(self._startup_seconds)
        try:
            wire.send(self._connection, frame)
            answer = wire.receive(self._connection)
            if isinstance(answer, wire.Refused):
                raise UnloadableModelError(f"{self._ref} cannot be loaded: {answer.reason}")
        except TimeoutError:
            self.kill()
            waited = f"{self._startup_seconds:g} s"
            raise UnloadableModelError(f"the runner of {self._ref} was not ready within {waited}") from None
        except wire.ClosedError:
            raise UnloadableModelError(self._why_dead()) from None
        except BaseException:
            self.kill()
            raise
        return answer

    def _why_dead(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)  # its stream has ended, so it is about to
        code = self.kill()
        if code == start_runner.CANNOT:
            python = self._runner.python or sys.executable
            return f"{self._ref} cannot be loaded: {python} is older than Python 3.11, or lacks msgspec or numpy"
        ending = f"signal {-code}" if code < 0 else f"exit code {code}"
        return f"the runner of {self._ref} died while loading ({ending})"
