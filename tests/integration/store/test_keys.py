from datetime import UTC, datetime

import pytest

from interlock.domain.access import Key
from interlock.domain.errors import ConflictError, NotFoundError
from interlock.store import Store

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def key(name: str, digest: str) -> Key:
    return Key(name=name, role="admin", digest=digest, created_at=NOW, endpoints=("wine",))


def test_a_key_is_found_by_its_digest(store: Store) -> None:
    with store.transaction() as tx:
        tx.keys.add(key("a", "1"))
        assert tx.keys.by_digest("1") == key("a", "1")
        assert tx.keys.by_digest("2") is None


def test_a_live_name_is_taken_and_free_again_once_revoked(store: Store) -> None:
    with store.transaction() as tx:
        tx.keys.add(key("a", "1"))
        with pytest.raises(ConflictError, match="'a' exists"):
            tx.keys.add(key("a", "2"))
        tx.keys.revoke("a", NOW)
        tx.keys.add(key("a", "2"))
        revoked = tx.keys.by_digest("1")
        assert revoked is not None
        assert revoked.revoked_at == NOW
        assert not revoked.may("read")
        assert [found.digest for found in tx.keys.list()] == ["1", "2"]


def test_revoking_an_unknown_key_names_the_live_ones(store: Store) -> None:
    with store.transaction() as tx:
        tx.keys.add(key("a", "1"))
        with pytest.raises(NotFoundError, match="there is: a"):
            tx.keys.revoke("b", NOW)
