from datetime import UTC, datetime

from interlock.store import Store


def join(there: bytes | None, delta: bytes) -> bytes:
    return (there or b"") + delta


def hour(number: int) -> datetime:
    return datetime(2026, 1, 1, number, tzinfo=UTC)


def test_profiles_of_an_hour_merge(store: Store) -> None:
    with store.transaction() as tx:
        assert tx.profiles.latest_hour("wine") is None
        tx.profiles.merge("wine", "m:1", hour(1), b"a", join)
        tx.profiles.merge("wine", "m:1", hour(1), b"b", join)
        tx.profiles.merge("wine", "m:2", hour(1), b"c", join)
        tx.profiles.merge("wine", "m:1", hour(2), b"d", join)
    with store.read() as tx:
        assert tx.profiles.between("wine", hour(1), hour(2)) == [("m:1", hour(1), b"ab"), ("m:2", hour(1), b"c")]
        assert tx.profiles.between("wine", hour(0), hour(9), "m:1") == [("m:1", hour(1), b"ab"), ("m:1", hour(2), b"d")]
        assert tx.profiles.between("beer", hour(0), hour(9)) == []
        assert tx.profiles.latest_hour("wine") == hour(2)
