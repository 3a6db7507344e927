"""Opens the database: SQLite (WAL) by default, PostgreSQL by URL, with the same meaning of a transaction on both.

Writers come one at a time, on SQLite by BEGIN IMMEDIATE and on PostgreSQL by one advisory lock: control-plane rows are
few, and "read, decide, write" is then right everywhere without a word about isolation. Readers see one snapshot and
never wait. A commit has reached the disk when `transaction()` returns.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url

from interlock.store.migration import upgrade
from interlock.store.transaction import Transaction

_WRITES = "interlock_writes"

# How long a writer waits for the one before it. Transactions take milliseconds; a wait this long means trouble.
_BUSY_MILLISECONDS = 10_000

# Any number that nobody else uses in the same PostgreSQL database.
_ADVISORY_LOCK = 0x1247E710CC


class Store:
    """The control plane's database.

    Args:
        url: SQLAlchemy URL: `sqlite:////home/me/.interlock/store.db` or `postgresql+psycopg://...`.
    """

    def __init__(self, url: str) -> None:
        self._engine = _sqlite(url) if make_url(url).get_backend_name() == "sqlite" else _postgresql(url)
        self._writer = self._engine.execution_options(**{_WRITES: True})

    @classmethod
    def open(cls, url: str) -> Self:
        """A store whose database is up to date.

        Raises:
            HomeError: The database is newer than this program.
        """
        store = cls(url)
        try:
            store.migrate()
        except BaseException:
            store.close()
            raise
        return store

    def migrate(self) -> None:
        """Bring the database up to this program's version. Several processes may do so at once.

        Raises:
            HomeError: The database is newer than this program, and is left as it is.
        """
        with self._writer.begin() as connection:
            upgrade(connection)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Write: commits at the end, or leaves everything as it was when an exception passes through."""
        with self._writer.begin() as connection:
            yield Transaction(connection)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Read one snapshot. Writing here is refused by the database."""
        with self._engine.begin() as connection:
            yield Transaction(connection)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def _sqlite(url: str) -> Engine:
    engine = create_engine(url)

    def connect(connection: Any, record: Any) -> None:  # noqa: ARG001
        # SQLAlchemy says when a transaction begins (below); the driver must not add its own.
        connection.isolation_level = None
        for pragma in (f"busy_timeout={_BUSY_MILLISECONDS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine, "connect", connect)
    event.listen(engine, "begin", begin)
    return engine


def _postgresql(url: str) -> Engine:
    # A server that restarted must not cost a failed call: ask before using a pooled connection.
    engine = create_engine(url, pool_pre_ping=True)

    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get(_WRITES, False):
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _ADVISORY_LOCK})
        else:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

    event.listen(engine, "begin", begin)
    return engine
