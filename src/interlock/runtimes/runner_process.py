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
from collections.abc import Sequence
from pathlib import Path

import msgspec

from interlock.domain.contract import Scalar
from interlock.domain.errors import ModelFailedError, UnloadableModelError
from interlock.domain.model import ModelVersion
from interlock.domain.ports import Columns
from interlock.runtimes import interpreter, start_runner, wire
from interlock.runtimes.facts import Facts
from interlock.runtimes.learning import Lesson
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

    def ask(self, columns: Columns, timeout_seconds: float, name: str = "") -> Outputs:
        """Send rows, wait for their answer.

        Args:
            columns: The rows.
            timeout_seconds: How long to wait.
            name: Of a model that was added; by default the one that was loaded.

        Raises:
            ModelFailedError: The model failed on them; the process is well.
            wire.ClosedError: The process has died.
            TimeoutError: It has not answered; it must be killed, since its next answer would be this one.
        """
        frame = self._exchange(wire.Ask(next(self._ids), wire.pack(columns), name), timeout_seconds)
        if isinstance(frame, wire.Answer):
            return wire.unpack(frame.columns)
        raise wire.ClosedError(f"unexpected frame {type(frame).__name__}")

    def learn(self, columns: Columns, labels: Sequence[Scalar], timeout_seconds: float, name: str = "") -> Lesson:
        """Let a model answer rows and then learn from them, one by one.

        Raises:
            ModelFailedError, wire.ClosedError, TimeoutError: As of `ask`.
        """
        given = wire.Learn(next(self._ids), wire.pack(columns), list(labels), name)
        frame = self._exchange(given, timeout_seconds)
        if isinstance(frame, wire.Learnt):
            return Lesson(wire.unpack(frame.columns), frame.status)
        raise wire.ClosedError(f"unexpected frame {type(frame).__name__}")

    def save(self, path: Path, timeout_seconds: float, name: str = "") -> None:
        """Have a model written to a path as it is now.

        Raises:
            ModelFailedError, wire.ClosedError, TimeoutError: As of `ask`.
        """
        self._exchange(wire.Save(next(self._ids), str(path.absolute()), name), timeout_seconds)

    def add(self, name: str, version: ModelVersion, artifacts: Path | None = None) -> None:
        """Load a version beside what is loaded, to be asked by a name.

        Args:
            name: Takes the place of what had it before.
            version: Which.
            artifacts: Folder of its artifact, if that is another.

        Raises:
            UnloadableModelError: It cannot be loaded; the others are as they were.
            wire.ClosedError, TimeoutError: As of `ask`.
        """
        lean = msgspec.structs.replace(version, profile=None)
        folder = str((artifacts or self._artifacts).absolute())
        try:
            self._exchange(wire.Add(next(self._ids), name, lean, folder), self._startup_seconds)
        except ModelFailedError as error:
            raise UnloadableModelError(f"{version.ref} cannot be loaded: {error.reason}") from error

    def drop(self, name: str, timeout_seconds: float) -> None:
        """Forget a model that was added.

        Raises:
            wire.ClosedError, TimeoutError: As of `ask`.
        """
        self._exchange(wire.Drop(next(self._ids), name), timeout_seconds)

    def _exchange(
        self, given: wire.Ask | wire.Learn | wire.Save | wire.Add | wire.Drop, timeout_seconds: float
    ) -> wire.Frame:
        connection = self._connection
        connection.settimeout(timeout_seconds)
        wire.send(connection, given)
        frame = wire.receive(connection)
        self._ping_at = time.monotonic() + _PING_EVERY_SECONDS
        if isinstance(frame, wire.Failed) and frame.id == given.id:
            raise ModelFailedError(self._ref, frame.status, frame.reason)
        if isinstance(frame, wire.Answer | wire.Learnt | wire.Pong) and frame.id == given.id:
            return frame
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
            raise UnloadableModelError(self.why_dead()) from None
        except BaseException:
            self.kill()
            raise
        return answer

    def why_dead(self) -> str:
        """End a process whose stream has ended, and say how it died."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)  # its stream has ended, so it is about to
        code = self.kill()
        if code == start_runner.CANNOT:
            python = self._runner.python or sys.executable
            return f"{self._ref} cannot be loaded: {python} is older than Python 3.11, or lacks msgspec or numpy"
        ending = f"signal {-code}" if code < 0 else f"exit code {code}"
        return f"the runner of {self._ref} died while loading ({ending})"
