from datetime import UTC, datetime, timedelta

from interlock.store import Store
from interlock.store.rejections import RejectedBody, Rejection, RejectionKey

HOUR = timedelta(hours=1)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_counts_of_an_hour_add_up_by_field_and_rule(store: Store) -> None:
    with store.transaction() as tx:
        for _ in range(2):
            tx.rejections.add_all(
                {
                    RejectionKey("wine", NOON, "", ""): 3,
                    RejectionKey("wine", NOON, "x", "value"): 2,
                    RejectionKey("wine", NOON + HOUR, "", ""): 1,
                    RejectionKey("beer", NOON, "", ""): 7,
                }
            )
    with store.read() as tx:
        assert tx.rejections.between("wine", NOON, NOON + HOUR) == [
            Rejection(NOON, "", "", 6),
            Rejection(NOON, "x", "value", 4),
        ]
        assert tx.rejections.latest_hour("wine") == NOON + HOUR
        assert tx.rejections.latest_hour("none") is None


def test_bodies_take_each_others_place_and_go_when_they_are_old(store: Store) -> None:
    def body(hour: datetime, slot: int, text: bytes) -> RejectedBody:
        return RejectedBody(endpoint="wine", hour=hour, spool="s", slot=slot, at=hour, reason="because", body=text)

    with store.transaction() as tx:
        tx.rejections.keep([body(NOON, 0, b"a"), body(NOON, 1, b"b")])
        tx.rejections.keep([body(NOON, 1, b"c")])
    with store.read() as tx:
        assert [each.body for each in tx.rejections.bodies("wine", NOON, NOON + HOUR)] == [b"a", b"c"]
    with store.transaction() as tx:
        tx.rejections.keep([body(NOON + 25 * HOUR, 0, b"d")])
        tx.rejections.drop_bodies(before=NOON + HOUR)
    with store.read() as tx:
        assert [each.body for each in tx.rejections.bodies("wine", NOON, NOON + 30 * HOUR)] == [b"d"]


def test_bodies_of_one_endpoint_go_at_once(store: Store) -> None:
    def body(endpoint: str) -> RejectedBody:
        return RejectedBody(endpoint=endpoint, hour=NOON, spool="s", slot=0, at=NOON, reason="because", body=b"a")

    with store.transaction() as tx:
        tx.rejections.keep([body("wine"), body("beer")])
        tx.rejections.drop_bodies("wine")
    with store.read() as tx:
        assert tx.rejections.bodies("wine", NOON, NOON + HOUR) == []
        assert len(tx.rejections.bodies("beer", NOON, NOON + HOUR)) == 1
