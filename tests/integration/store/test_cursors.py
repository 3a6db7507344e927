from interlock.store import Store


def test_a_cursor_keeps_its_last_value(store: Store) -> None:
    with store.transaction() as tx:
        assert tx.cursors.get("day") is None
        tx.cursors.set("day", "1")
        tx.cursors.set("day", "2")
    with store.read() as tx:
        assert tx.cursors.get("day") == "2"
