"""Every test here runs on SQLite, and on a real PostgreSQL where its binaries are to be had."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.postgres import PostgresServer

from interlock.store import Store


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    server: PostgresServer = request.getfixturevalue("postgresql")
    return server.url(server.create())


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    store = Store(store_url)
    yield store
    store.close()
