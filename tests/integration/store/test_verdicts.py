import contextlib
from datetime import UTC, datetime

import msgspec

from interlock.domain.verdict import Check, Verdict
from interlock.store import Store


def day(number: int) -> datetime:
    return datetime(2026, 1, number, tzinfo=UTC)


def verdict(number: int, value: float) -> Verdict:
    check = Check(name="drift.x", signal="input", version="m:1", outcome="ok", value=value, expected="under 1")
    return Verdict(endpoint="wine", window_start=day(number), window_end=day(number + 1), check=check, at=day(9))


def test_verdicts_are_listed_by_window(store: Store) -> None:
    with store.transaction() as tx:
        tx.verdicts.append([verdict(3, 0.3), verdict(1, 0.1)])
        tx.verdicts.append([verdict(2, 0.2), verdict(1, 0.15)])
        tx.verdicts.append([])
    with store.read() as tx:
        assert [one.check.value for one in tx.verdicts.list("wine")] == [0.1, 0.15, 0.2, 0.3]
        assert tx.verdicts.list("wine", since=day(3)) == [verdict(3, 0.3)]
        assert tx.verdicts.list("wine", until=day(2)) == [verdict(1, 0.1), verdict(1, 0.15)]
        assert tx.verdicts.list("beer") == []


def test_verdicts_are_read_in_the_order_in_which_they_were_added(store: Store) -> None:
    with store.read() as tx:
        assert tx.verdicts.newest() == 0
    with store.transaction() as tx:
        tx.verdicts.append([verdict(3, 0.3), verdict(1, 0.1), verdict(2, 0.2)])
    with store.read() as tx:
        assert tx.verdicts.newest() == 3
        assert [each.verdict for each in tx.verdicts.after(0, limit=2)] == [verdict(3, 0.3), verdict(1, 0.1)]
        assert [(each.number, each.verdict) for each in tx.verdicts.after(2, limit=2)] == [(3, verdict(2, 0.2))]


def test_what_was_added_after_a_number_is_told_in_its_order(store: Store) -> None:
    with store.transaction() as tx:
        assert tx.verdicts.newest() == 0
        tx.verdicts.append([verdict(3, 0.3)])
        seen = tx.verdicts.newest()
        assert tx.verdicts.of_endpoint_after("wine", seen) == []
        tx.verdicts.append([verdict(2, 0.2), verdict(1, 0.1)])
        assert tx.verdicts.of_endpoint_after("wine", seen) == [verdict(2, 0.2), verdict(1, 0.1)]
        assert len(tx.verdicts.of_endpoint_after("wine", 0)) == 3
        assert tx.verdicts.of_endpoint_after("beer", 0) == []
        assert tx.verdicts.newest() > seen


def test_a_verdict_that_cannot_be_read_is_told_of_beside_the_others(store: Store) -> None:
    with store.transaction() as tx:
        check = msgspec.structs.replace(verdict(1, 0.1).check, signal="of tomorrow")
        tx.verdicts.append([msgspec.structs.replace(verdict(1, 0.1), check=check), verdict(2, 0.2)])
        unread, read = tx.verdicts.after(0, limit=10)
    assert (unread.number, unread.verdict, unread.endpoint) == (1, None, "wine")
    assert "of tomorrow" in unread.fault
    assert read.verdict == verdict(2, 0.2)


def test_what_an_attempt_wrote_before_it_failed_is_undone_and_the_rest_is_kept(store: Store) -> None:
    with store.transaction() as tx:
        tx.verdicts.append([verdict(1, 0.1)])
        with contextlib.suppress(LookupError), tx.attempt():
            tx.verdicts.append([verdict(2, 0.2)])
            raise LookupError
        with tx.attempt():
            tx.verdicts.append([verdict(3, 0.3)])
    with store.read() as tx:
        assert tx.verdicts.list("wine") == [verdict(1, 0.1), verdict(3, 0.3)]
