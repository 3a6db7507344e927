import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from tests.postgres import PostgresServer

from interlock.domain.errors import HomeError, InvalidInputError, StoreUnavailableError
from interlock.domain.traffic import TrafficPlan
from interlock.store import Store
from interlock.store.migration import revisions
from interlock.store.tables import metadata

# Adds one to a counter many times: every lost update shows.
_COUNT = """
import sys
from interlock.store import Store
store = Store.open(sys.argv[1])
for _ in range(int(sys.argv[2])):
    with store.transaction() as tx:
        tx.cursors.set("count", str(int(tx.cursors.get("count") or 0) + 1))
    print("committed", flush=True)
"""


def _counting(url: str, times: int) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", _COUNT, url, str(times)], stdout=subprocess.PIPE, text=True)


def _count(store: Store) -> int:
    with store.read() as tx:
        return int(tx.cursors.get("count") or 0)


def test_processes_that_open_a_new_database_at_once_lose_no_update(url: str) -> None:
    writers = [_counting(url, 40) for _ in range(4)]
    for writer in writers:
        writer.communicate(timeout=60)
    assert [writer.returncode for writer in writers] == [0] * 4
    store = Store(url)
    assert _count(store) == 160
    store.close()


def test_kill_of_a_writer_loses_nothing_committed(store: Store, store_url: str) -> None:
    for _ in range(3):
        before = _count(store)
        writer = _counting(store_url, 100_000)
        assert writer.stdout is not None
        seen = sum(1 for _ in zip(range(20), writer.stdout, strict=False))
        writer.send_signal(signal.SIGKILL)
        # On the same stream: it has read ahead, and what it holds is lost to `communicate`.
        seen += sum(line == "committed\n" for line in writer.stdout)
        writer.wait(30)
        writer.stdout.close()
        # The kill may have come between a commit and its line.
        assert _count(store) - before in (seen, seen + 1)


def test_an_exception_leaves_everything_as_it_was(store: Store) -> None:
    def write_and_fail() -> None:
        with store.transaction() as tx:
            tx.cursors.set("a", "1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()
    with store.read() as tx:
        assert tx.cursors.get("a") is None


def test_writing_in_a_read_is_refused(store: Store) -> None:
    with pytest.raises(DBAPIError, match=r"read.?only"), store.read() as tx:
        tx.cursors.set("a", "1")


def test_a_reader_sees_one_snapshot_and_does_not_wait_for_a_writer(store: Store) -> None:
    wrote = threading.Event()

    def write() -> None:
        with store.transaction() as tx:
            tx.cursors.set("a", "2")
        wrote.set()

    with store.transaction() as tx:
        tx.cursors.set("a", "1")
    with store.read() as tx:
        assert tx.cursors.get("a") == "1"
        thread = threading.Thread(target=write)
        thread.start()
        assert wrote.wait(10)
        assert tx.cursors.get("a") == "1"
    thread.join()


def test_a_database_of_a_newer_program_is_refused_and_left_alone(url: str) -> None:
    Store.open(url).close()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(HomeError, match=r"version 9999.*up to [0-9]{4}"):
        Store.open(url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999"
    engine.dispose()


def test_the_files_of_the_migrations_tell_their_order() -> None:
    config = Config()
    config.set_main_option("script_location", "interlock.store:migrations")
    steps = ScriptDirectory.from_config(config).walk_revisions()
    assert revisions() == [step.revision for step in steps][::-1]


def test_opening_a_database_that_is_up_to_date_does_not_import_alembic(store: Store, store_url: str) -> None:
    code = (
        "import sys; from interlock.store import Store; Store.open(sys.argv[1]).close(); "
        "print('alembic' in sys.modules)"
    )
    arguments = [sys.executable, "-c", code, store_url]
    assert subprocess.run(arguments, capture_output=True, check=True).stdout == b"False\n"


def test_migrations_lead_to_the_tables_the_program_uses(store: Store, store_url: str) -> None:
    engine = create_engine(store_url)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert differences == []


def test_all_current_plans_are_read_in_under_a_millisecond(store: Store) -> None:
    with store.transaction() as tx:
        for generation in range(1, 200):
            for endpoint in ("a", "b", "c"):
                tx.plans.append(TrafficPlan(endpoint=endpoint, generation=generation, champion="m:1"))
    times = []
    for _ in range(50):
        start = time.perf_counter()
        with store.read() as tx:
            plans = tx.plans.all_current()
        times.append(time.perf_counter() - start)
    assert [plan.generation for plan in plans] == [199] * 3
    # The median, because other work may run on the machine; a network round trip is not the store's.
    assert sorted(times)[25] < 0.001 or "postgresql" in str(store._engine.url)


def test_sqlite_keeps_a_write_ahead_log_and_syncs_every_commit(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'store.db'}")
    with store._engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    store.close()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}


def test_a_database_that_does_not_answer_is_told_with_its_address_to_who_starts_the_server_only(
    postgresql: PostgresServer,
) -> None:
    url = f"postgresql://me:secret@127.0.0.1:{postgresql.port}/none"
    with pytest.raises(
        HomeError, match=r"the store postgresql\+psycopg://me:\*\*\*@127.*/none does not answer: .*\"me\""
    ):
        Store.open(url)
    store = Store(url)
    with pytest.raises(StoreUnavailableError, match=r"^the store does not answer; it is tried again$"), store.read():
        pass
    store.close()


@pytest.mark.parametrize("url", ["mysql://me:secret@host/x", "secret", "sqlite+pysqlcipher://:secret@/x"])
def test_a_url_of_no_store_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(InvalidInputError, match="store_url must be like") as raised:
        Store(url)
    assert "secret" not in str(raised.value)
