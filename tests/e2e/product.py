"""The product as a user starts it: `interlock up` in a process, its command line, its two ports."""

import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from interlock.client import Client

READY_SECONDS = 60
INTERLOCK = [sys.executable, "-m", "interlock"]


def environment(**more: str) -> dict[str, str]:
    """This process's environment without anything of Interlock."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
    return {**kept, **more}


def run(
    *arguments: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command line to its end."""
    return subprocess.run(
        [*INTERLOCK, *arguments],
        env=environment(**(env or {})),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


class Product:
    """One `interlock up`. `env` is added to its environment."""

    def __init__(self, home: Path, *options: str, env: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.process = subprocess.Popen(
            [*INTERLOCK, "up", "--home", str(home), "--port", "0", "--control-port", "0", *options],
            env=environment(**(env or {})),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: list[str] = []
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self.gateway = self.control = self.grpc = self.key = ""

    def wait_until_ready(self) -> Self:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], READY_SECONDS)
        line = self.process.stdout.readline().split() if ready else []
        assert line[:1] == ["ready"], "".join(self.said)
        found = dict(word.split("=", 1) for word in line[1:])
        self.gateway, self.control, self.grpc = found["gateway"], found["control"], found.get("grpc", "")
        keys = [word.partition("=")[2] for line in self.said for word in line.split() if "API_KEY=" in word]
        self.key = keys[0] if keys else self.key
        return self

    def cli(self, *arguments: str, key: str | None = None) -> subprocess.CompletedProcess[str]:
        """A command with the administrator's key, or another one."""
        return run(*arguments, env={"INTERLOCK_HOME": str(self.home), "INTERLOCK_API_KEY": key or self.key})

    def json(self, *arguments: str) -> Any:
        """What a command prints for machines; it must succeed."""
        done = self.cli(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def client(self, key: str | None = None) -> Client:
        return Client(self.control, key or self.key)

    def parts(self) -> dict[str, int]:
        """Process ids by name."""
        return {part["name"]: part["pid"] for part in self.processes()}

    def processes(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads((self.home / "run" / "processes.json").read_text())
        return found

    def descendants(self) -> set[int]:
        """Every process that it started, and those that they started."""
        found, new = set[int](), {self.process.pid}
        while new:
            new = {pid for pid, parent in _parents().items() if parent in new} - found
            found |= new
        return found

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it; returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=90)
        self._listener.join(timeout=10)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        return code

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not yet waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _parents() -> dict[int, int]:
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            found[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):  # it has just ended
            continue
    return found
