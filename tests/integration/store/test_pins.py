from datetime import UTC, datetime

import msgspec
import pytest

from interlock.domain.errors import ConflictError, NotFoundError
from interlock.domain.pin import Pin, PinnedTable
from interlock.store import Store

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def pin(name: str, endpoint: str = "wine") -> Pin:
    table = PinnedTable(version=12, rows=3, files=1, digest="d")
    return Pin(endpoint=endpoint, name=name, created_at=NOW, created_by="ann", tables={"predictions": table})


def test_pins_come_back_by_endpoint_and_name(store: Store) -> None:
    with store.transaction() as tx:
        for each in (pin("b"), pin("a"), pin("a", "beer")):
            tx.pins.add(each)
    with store.read() as tx:
        assert tx.pins.get("wine", "b") == pin("b")
        assert tx.pins.list("wine") == [pin("a"), pin("b")]
        assert [each.ref for each in tx.pins.list()] == ["beer@a", "wine@a", "wine@b"]


def test_a_name_is_used_once_and_then_free_again(store: Store) -> None:
    with store.transaction() as tx:
        tx.pins.add(pin("a"))
        with pytest.raises(ConflictError, match="wine@a"):
            tx.pins.add(pin("a"))
        tx.pins.delete("wine", "a")
        tx.pins.add(pin("a"))


def test_a_redacted_pin_takes_the_place_of_the_old_one(store: Store) -> None:
    with store.transaction() as tx:
        tx.pins.add(pin("a"))
        tx.pins.replace(msgspec.structs.replace(pin("a"), redacted_at=NOW))
    with store.read() as tx:
        assert [each.redacted_at for each in tx.pins.list("wine")] == [NOW]


def test_what_is_not_there_is_named_with_what_is(store: Store) -> None:
    with store.transaction() as tx:
        tx.pins.add(pin("a"))
        with pytest.raises(NotFoundError, match=r"'wine@b' does not exist; there is: a"):
            tx.pins.delete("wine", "b")
