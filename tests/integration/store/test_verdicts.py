from datetime import UTC, datetime

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
        assert [each.verdict.check.value for each in tx.verdicts.after(0, limit=2)] == [0.3, 0.1]
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
