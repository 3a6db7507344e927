from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import create_engine, text

from interlock.store import Store

NOW = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))


@pytest.fixture
def audited(store: Store) -> Store:
    with store.transaction() as tx:
        for number in range(5):
            details = {"b": float("nan"), "a": number, "nested": {"z": [1.5, "é"]}}
            tx.audit.append(NOW, "me", "admin", "release.start", f"e{number % 2}", details)
    return store


def test_entries_come_back_newest_first(audited: Store) -> None:
    with audited.read() as tx:
        assert [entry.number for entry in tx.audit.list(limit=2)] == [5, 4]
        newest = tx.audit.list(subject="e1")[0]
    assert (newest.number, newest.actor, newest.at) == (4, "me", NOW.astimezone(UTC))
    assert newest.details == {"a": 3, "b": None, "nested": {"z": [1.5, "é"]}}


def test_entries_of_an_action_are_followed(audited: Store) -> None:
    with audited.transaction() as tx:
        tx.audit.append(NOW, "me", "admin", "release.promote", "e0", {})
    with audited.read() as tx:
        assert tx.audit.newest() == 6
        assert [entry.number for entry in tx.audit.after(3, ["release.start"])] == [4, 5]
        assert tx.audit.after(6, ["release.promote"]) == []


def test_entries_about_a_release_are_found_among_any_number_of_others(store: Store) -> None:
    with store.transaction() as tx:
        for release in ("e-1", "e_1", "e-11", "e-1"):
            tx.audit.append(NOW, "me", "admin", "release.start", "e", {"release": release, "reason": '"release":"e-1"'})
        for _ in range(1100):
            tx.audit.append(NOW, "me", "admin", "endpoint.change", "e", {"reason": 'not "release":"e-1"'})
        tx.audit.append(NOW, "me", "admin", "release.start", "f", {"release": "e-1"})
    with store.read() as tx:
        assert [entry.number for entry in tx.audit.of_release("e", "e-1")] == [4, 1]
        assert [entry.number for entry in tx.audit.of_release("e", "e_1")] == [2]


def test_an_untouched_chain_holds(audited: Store) -> None:
    with audited.read() as tx:
        verification = tx.audit.verify()
        assert (verification.entries, verification.ok, verification.first_bad) == (5, True, None)
        assert verification.head == tx.audit.list(limit=1)[0].hash


def test_an_empty_chain_holds(store: Store) -> None:
    with store.read() as tx:
        assert tx.audit.verify().ok


@pytest.mark.parametrize(
    ("tampering", "first_bad"),
    [
        ("UPDATE audit SET actor = 'you' WHERE number = 3", 3),
        ("UPDATE audit SET details = '{}' WHERE number = 1", 1),
        ("UPDATE audit SET at = '2026-01-01T00:00:00.000000Z' WHERE number = 2", 2),
        ("DELETE FROM audit WHERE number = 2", 3),
        ("DELETE FROM audit WHERE number = 1", 2),
    ],
)
def test_tampering_shows(audited: Store, store_url: str, tampering: str, first_bad: int) -> None:
    engine = create_engine(store_url)
    with engine.begin() as connection:
        connection.execute(text(tampering))
    engine.dispose()
    with audited.read() as tx:
        verification = tx.audit.verify()
    assert (verification.ok, verification.first_bad) == (False, first_bad)
