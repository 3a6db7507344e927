"""Every test here runs on SQLite, and on a real PostgreSQL where its binaries are installed."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.store import Store


def _postgres_folder() -> Path | None:
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return installed[-1].parent if installed else None


def _as_other_user(command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root."""
    return ["runuser", "-u", "nobody", "--", *command] if os.geteuid() == 0 else command


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """URL of a PostgreSQL server of our own; databases are made per test."""
    pytest.importorskip("psycopg")
    binaries = _postgres_folder()
    if binaries is None:
        pytest.skip("no PostgreSQL binaries: neither initdb in PATH nor in /usr/lib/postgresql")
    # Unix sockets have short names, so not in pytest's own folder.
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = str(folder / "data")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off"
    start = ["-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start"]
    for name, *arguments in (
        ["initdb", "-D", data, "-A", "trust", "-U", "postgres", "--no-sync"],
        ["pg_ctl", *start],
    ):
        subprocess.run(_as_other_user([str(binaries / name), *arguments]), check=True, capture_output=True, cwd="/")
    yield f"postgresql+psycopg://postgres@127.0.0.1:{port}"
    stop = [str(binaries / "pg_ctl"), "-D", data, "-m", "fast", "stop"]
    subprocess.run(_as_other_user(stop), check=True, capture_output=True, cwd="/")
    shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    import psycopg

    server: str = request.getfixturevalue("postgresql")
    name = f"d{abs(hash(str(tmp_path)))}"
    with psycopg.connect(server.replace("+psycopg", "") + "/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return f"{server}/{name}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store.open(url)
    yield store
    store.close()
