"""Opens the database: SQLite (WAL) by default, PostgreSQL by URL, with the same meaning of a transaction on both.

Writers come one at a time, on SQLite by BEGIN IMMEDIATE and on PostgreSQL by one advisory lock: control-plane rows are
few, and "read, decide, write" is then right everywhere without a word about isolation. Readers see one snapshot and
never wait. A commit has reached the disk when `transaction()` returns.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from interlock.domain.errors import HomeError, InvalidInputError, StoreUnavailableError
from interlock.store import copying
from interlock.store.migration import upgrade
from interlock.store.transaction import Transaction

_WRITES = "interlock_writes"

# How long a writer waits for the one before it. Transactions take milliseconds; a wait this long means trouble.
_BUSY_MILLISECONDS = 10_000

# A server that is gone, or a network that swallows everything, is noticed within about a minute on either side. The
# server lets go of the locks of a machine that lost power, which nobody else could.
_CONNECT = {"connect_timeout": 10, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
_SESSION = {
    "lock_timeout": _BUSY_MILLISECONDS,
    "idle_in_transaction_session_timeout": 60_000,
    "tcp_keepalives_idle": 30,
    "tcp_keepalives_interval": 10,
    "tcp_keepalives_count": 3,
}

# Any number that nobody else uses in the same PostgreSQL database.
_ADVISORY_LOCK = 0x1247E710CC


class Store:
    """The control plane's database.

    Args:
        url: SQLAlchemy URL: `sqlite:////home/me/.interlock/store.db` or `postgresql://user:password@host/database`.

    Raises:
        InvalidInputError: It is no such URL.
        HomeError: It needs a package that is not installed.
    """

    def __init__(self, url: str) -> None:
        parsed = parse(url)
        self._where = parsed.render_as_string()
        self._engine = _sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _postgresql(parsed)
        self._writer = self._engine.execution_options(**{_WRITES: True})

    @classmethod
    def open(cls, url: str) -> Self:
        """A store whose database is up to date.

        Raises:
            HomeError: The database does not answer, or is newer than this program.
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
            HomeError: The database does not answer, and why; or it is newer than this program, and is left as it is.
        """
        try:
            with self._begin(self._writer) as connection:
                upgrade(connection)
        except StoreUnavailableError as error:
            # Said to who starts the server. Callers over the network learn no addresses.
            raise HomeError(f"the store {self._where} does not answer: {_first_line(error.__cause__)}") from error

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Write: commits at the end, or leaves everything as it was when an exception passes through.

        Raises:
            StoreUnavailableError: The database does not answer. Whether it still committed is then not known.
        """
        with self._begin(self._writer) as connection:
            yield Transaction(connection)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Read one snapshot. Writing here is refused by the database.

        Raises:
            StoreUnavailableError: The database does not answer.
        """
        with self._begin(self._engine) as connection:
            yield Transaction(connection)

    def save(self, path: Path) -> None:
        """Write every row, as of one moment, into a new SQLite file, whatever kind of database this is.

        Raises:
            StoreUnavailableError: The database does not answer.
        """
        with (
            closing(Store(f"sqlite:///{path}")) as copy,
            self._begin(self._engine) as source,
            copy._begin(copy._writer) as target,
        ):
            copying.copy(source, target)

    def load(self, path: Path) -> None:
        """Fill this database, which is empty, with what `save` wrote, and bring it up to date.

        Raises:
            HomeError: This database is not empty, or the file is of a newer program.
            StoreUnavailableError: The database does not answer.
        """
        with (
            closing(Store(f"sqlite:///{path}")) as copy,
            copy._begin(copy._engine) as source,
            self._begin(self._writer) as target,
        ):
            if not copying.is_empty(target):
                raise HomeError(f"the database {self._where} is not empty; restore into a new one")
            copying.copy(source, target)
            upgrade(target)

    @property
    def kind(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _begin(self, engine: Engine) -> Iterator[Connection]:
        try:
            with engine.begin() as connection:
                yield connection
        except OperationalError as error:
            if engine.dialect.name == "sqlite":
                raise
            raise StoreUnavailableError("the store does not answer; it is tried again", 5.0) from error


def _first_line(error: BaseException | None) -> str:
    """What the driver says, without SQLAlchemy's frame."""
    return str(getattr(error, "orig", error)).strip().split("\n", 1)[0]


def parse(url: str) -> URL:
    """A store's URL, with the driver that is meant.

    Raises:
        InvalidInputError: It names no database that can hold a store.

    Examples:
        >>> str(parse("postgres://me@db.example/interlock"))
        'postgresql+psycopg://me@db.example/interlock'
    """
    rule = "store_url must be like postgresql://USER:PASSWORD@HOST/DATABASE"
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise InvalidInputError(rule) from error  # not the URL itself, which may hold a password
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "postgresql+psycopg"):
        raise InvalidInputError(f"{rule}; it begins with {parsed.drivername!r}")
    return parsed


def _sqlite(url: URL) -> Engine:
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


def _postgresql(url: URL) -> Engine:
    given = {name: value for name, value in _CONNECT.items() if name not in url.query}
    try:
        # A server that restarted must not cost a failed call: ask before using a pooled connection.
        engine = create_engine(url, pool_pre_ping=True, connect_args=given)
    except ModuleNotFoundError as error:
        raise HomeError("a store on PostgreSQL needs psycopg: pip install 'interlock[postgres]'") from error

    def connect(connection: Any, record: Any) -> None:  # noqa: ARG001
        connection.execute("; ".join(f"SET {name} = {value}" for name, value in _SESSION.items()))
        connection.commit()

    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get(_WRITES, False):
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _ADVISORY_LOCK})
        else:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

    event.listen(engine, "connect", connect)
    event.listen(engine, "begin", begin)
    return engine
