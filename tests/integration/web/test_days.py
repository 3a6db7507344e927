"""The tables by day on a real store: kept while nothing new is said, and made anew when it is."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.web.conftest import EVIL

from interlock.domain.verdict import Check, Verdict
from interlock.store import Store
from interlock.web.days import Days, DayTables

DAY = timedelta(days=1)
START = datetime(2026, 3, 1, tzinfo=UTC)
NOW = START + 10 * DAY


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    store = Store(store_url)
    for column in ("x", "y"):
        say(store, 8, column)
    yield store
    store.close()


def say(store: Store, day: int, column: str, value: float = 0.2, endpoint: str = "e") -> None:
    check = Check(
        name=f"drift.{column}", signal="input", version="m:1", outcome="breach", value=value, expected="as before",
        rows=100,
    )  # fmt: skip
    start = START + day * DAY
    verdict = Verdict(endpoint=endpoint, window_start=start, window_end=start + DAY, check=check, at=NOW)
    with store.transaction() as tx:
        tx.verdicts.append([verdict])


def read(days: Days, store: Store, endpoint: str = "e", at: datetime = NOW, most: int | None = None) -> DayTables:
    with store.read() as tx:
        return days.read(tx, endpoint, at, most=most)


def test_tables_are_kept_until_something_is_said_of_the_endpoint(store: Store) -> None:
    days = Days()
    first = read(days, store)
    assert ">20<" in first.columns
    say(store, 8, "x", endpoint="other")
    assert read(days, store) is first
    assert read(days, store, at=NOW + timedelta(hours=23)) is first
    say(store, 8, "x", value=0.7)
    assert ">70<" in read(days, store).columns


def test_as_days_go_by_the_oldest_leave(store: Store) -> None:
    days = Days()
    assert read(days, store).columns
    later = read(days, store, at=NOW + 28 * DAY)
    assert (later.columns, later.quality, later.hidden) == ("", "", 0)


def test_who_asks_for_every_column_gets_another_table(store: Store) -> None:
    days = Days()
    some, every = read(days, store, most=1), read(days, store)
    assert (some.hidden, every.hidden) == (1, 0)
    assert (">y</a></th>" in some.columns, ">y</a></th>" in every.columns) == (False, True)


def test_names_of_columns_are_shown_and_never_run(store: Store) -> None:
    say(store, 8, EVIL)
    tables = read(Days(), store)
    assert EVIL not in tables.columns
    assert "&lt;script&gt;" in tables.columns


def test_the_tables_of_so_many_endpoints_are_kept_and_no_more(store: Store) -> None:
    days = Days()
    first = read(days, store)
    for number in range(40):
        read(days, store, f"e{number}")
    assert len(days._kept) == 32
    assert read(days, store) is not first
