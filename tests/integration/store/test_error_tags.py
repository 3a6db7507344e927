from datetime import UTC, datetime

from interlock.store import Store

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_tags_come_back_by_endpoint_and_are_put_once(store: Store) -> None:
    with store.transaction() as tx:
        assert tx.error_tags.add("wine", "night", ["b", "a", "a"], NOW, "ann") == 2
        assert tx.error_tags.add("wine", "night", ["a", "c"], NOW, "ann") == 1
        assert tx.error_tags.add("wine", "blurred", ["a"], NOW, "ann") == 1
        assert tx.error_tags.add("beer", "night", ["a"], NOW, "ann") == 1
    with store.read() as tx:
        assert tx.error_tags.of_endpoint("wine") == {"blurred": ["a"], "night": ["a", "b", "c"]}
        assert tx.error_tags.of_endpoint("tea") == {}


def test_a_tag_is_taken_from_the_named_rows_alone_however_many(store: Store) -> None:
    many = [f"p{number}" for number in range(1200)]
    with store.transaction() as tx:
        tx.error_tags.add("wine", "night", [*many, "kept"], NOW, "ann")
        tx.error_tags.add("wine", "blurred", many[:1], NOW, "ann")
        assert tx.error_tags.remove("wine", "night", [*many, "unknown"]) == 1200
        assert tx.error_tags.of_endpoint("wine") == {"blurred": ["p0"], "night": ["kept"]}
