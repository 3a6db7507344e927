"""A server under test: started, asked until it answers, watched, and stopped with all its processes."""

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

from benchmarks.serving import processes
from benchmarks.serving.target import Launch, Target

_START_SECONDS = 120.0
_STOP_SECONDS = 60.0
# Settled: under 15 % of one core over a second.
_SETTLE_SECONDS, _LOOK_SECONDS, _QUIET_SHARE = 15.0, 1.0, 0.15
# Model threads would fight each other and the load generator for two cores: every server gets the same rule.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class ServerError(Exception):
    """A server that does not start or answers with errors, with the end of what it said."""


class Server:
    """A running server.

    Args:
        launch: How it was started.
        process: Its first process.
        start_seconds: From its start to its first answer.
    """

    def __init__(self, launch: Launch, process: "subprocess.Popen[bytes]", start_seconds: float) -> None:
        self.launch, self.start_seconds, self._process = launch, start_seconds, process

    @property
    def targets(self) -> list[Target]:
        return list(self.launch.targets)

    @property
    def pids(self) -> list[int]:
        """All its processes."""
        return processes.tree(self._process.pid)

    def settle(self) -> None:
        """Wait until it does nothing more for itself: imports, first looks, parts that start beside the one we ask."""
        before, deadline = sum(self.cpu_seconds().values()), time.monotonic() + _SETTLE_SECONDS
        while time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
            now = sum(self.cpu_seconds().values())
            if now - before < _QUIET_SHARE * _LOOK_SECONDS:
                return
            before = now

    def names(self) -> dict[int, str]:
        """Name of each process: the server's own, else from the command line; `NAME's child` for what it started."""
        labels = self.launch.labels()
        found = {}
        for pid in self.pids:
            above = labels.get(processes.parent(pid))
            found[pid] = labels.get(pid) or (f"{above}'s runner" if above else processes.title(pid))
        return found

    def cpu_seconds(self) -> dict[int, float]:
        """Processor time used so far, by process."""
        return {pid: processes.cpu_seconds(pid) for pid in self.pids}

    def pss_mb(self) -> dict[int, float]:
        """Memory now, by process."""
        return {pid: processes.pss_mb(pid) for pid in self.pids}


@contextlib.contextmanager
def running(launch: Launch) -> Iterator[Server]:
    """Start a server, wait for its first answer from every target, and end all its processes afterwards.

    Raises:
        ServerError: It ends, or does not answer in time.
    """
    with tempfile.TemporaryFile() as said:
        began = time.monotonic()
        process = subprocess.Popen(
            list(launch.command),
            cwd=launch.folder,
            env={**os.environ, **_ONE_THREAD, **launch.environment},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        try:
            try:
                _wait_for(process, launch.targets[0])
                server = Server(launch, process, time.monotonic() - began)
                for target in launch.targets[1:]:
                    _wait_for(process, target)
            except TimeoutError as error:
                said.seek(0)
                told = said.read().decode(errors="replace")[-2000:]
                raise ServerError(f"{launch.targets[0].name} {error}:\n{told}") from error
            yield server
        finally:
            _stop(process)


def ask(target: Target) -> bytes:
    """Post the row once and return the answer.

    Raises:
        OSError: There is no answer, or one with an error status.
    """
    headers = {"Content-Type": "application/json", **target.headers}
    request = urllib.request.Request(target.url, target.body.encode(), headers)
    with urllib.request.urlopen(request, timeout=5) as answer:
        body: bytes = answer.read()
    return body


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(process: "subprocess.Popen[bytes]", target: Target) -> None:
    deadline, why = time.monotonic() + _START_SECONDS, ""
    while time.monotonic() < deadline:
        try:
            ask(target)
        except OSError as error:
            why = str(error)
        else:
            return
        if process.poll() is not None:
            raise TimeoutError(f"ended with exit code {process.returncode}")
        time.sleep(0.02)
    raise TimeoutError(f"does not answer ({why})")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """SIGTERM for the first process, which stops its own; SIGKILL for what is left of its session."""
    left = processes.tree(process.pid)
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pid in left:
        _kill_orphan(pid, process.pid)


def _kill_orphan(pid: int, session: int) -> None:
    """End a descendant that has a process group of its own, if it is still of our session."""
    with contextlib.suppress(ProcessLookupError):
        if os.getsid(pid) == session:
            os.kill(pid, signal.SIGKILL)
