from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from interlock.api.key_ring import KeyRing, digest, is_well_formed, local_actor, new_secret
from interlock.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    UnauthenticatedError,
)
from interlock.store.database import Store

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LOCAL = local_actor(NOW)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    store = Store(store_url)
    yield store
    store.close()


@pytest.fixture
def ring(store: Store) -> KeyRing:
    return KeyRing(store, lambda: NOW)


def test_keys_are_long_random_and_carry_a_checksum() -> None:
    keys = {new_secret() for _ in range(100)}
    assert len(keys) == 100
    assert all(len(key) == 53 and key.startswith("ilk_") and key.isascii() and is_well_formed(key) for key in keys)


@pytest.mark.parametrize("at", [5, 20, 52])
def test_a_mistyped_key_is_told_apart_from_a_wrong_one(ring: KeyRing, at: int) -> None:
    key = new_secret()
    mistyped = key[:at] + ("a" if key[at] != "a" else "b") + key[at + 1 :]
    with pytest.raises(UnauthenticatedError, match="not a whole Interlock key"):
        ring.authenticate(mistyped)
    with pytest.raises(UnauthenticatedError, match="not known here"):
        ring.authenticate(key)


def test_the_first_start_makes_one_administrator_and_later_ones_none(ring: KeyRing) -> None:
    first = ring.create_first()
    assert first is not None
    assert ring.authenticate(first).role == "admin"
    assert ring.create_first() is None


def test_only_the_hash_of_a_key_is_stored(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'store.db'}")
    key, secret = KeyRing(store, lambda: NOW).create("checkout", "scorer", actor=LOCAL)
    assert key.digest == digest(secret)
    store.close()
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert secret.encode() not in stored
    assert key.digest.encode() in stored


def test_a_revoked_key_opens_nothing_and_its_name_is_free(ring: KeyRing) -> None:
    _, secret = ring.create("checkout", "scorer", actor=LOCAL)
    with pytest.raises(ConflictError, match="exists already"):
        ring.create("checkout", "scorer", actor=LOCAL)
    ring.revoke("checkout", actor=LOCAL)
    with pytest.raises(UnauthenticatedError, match="was revoked"):
        ring.authenticate(secret)
    ring.create("checkout", "scorer", actor=LOCAL)


def test_the_last_administrator_stays(ring: KeyRing) -> None:
    ring.create_first()
    ring.create("limited", "admin", actor=LOCAL, endpoints=("wine",))
    with pytest.raises(ForbiddenError, match="the last one of role admin"):
        ring.revoke("admin", actor=LOCAL)
    ring.create("second", "admin", actor=LOCAL)
    ring.revoke("admin", actor=LOCAL)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"name": "Bad Name", "role": "scorer"}, "key name == 'Bad Name'"),
        ({"name": "x", "role": "king"}, "role == 'king', must be one of scorer, viewer, operator, approver, admin"),
        ({"name": "x", "role": "scorer", "allow": ("fly",)}, "permission == 'fly'"),
        ({"name": "x", "role": "scorer", "endpoints": ("../y",)}, "endpoint name == '../y'"),
    ],
)
def test_what_breaks_a_rule_is_named(ring: KeyRing, options: dict[str, str], named: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        ring.create(actor=LOCAL, **options)  # type: ignore[arg-type]  # mixed options
    assert named in str(raised.value)


def test_making_and_revoking_is_in_the_audit_log(ring: KeyRing, store: Store) -> None:
    ring.create("checkout", "scorer", actor=LOCAL, endpoints=("wine",))
    ring.revoke("checkout", actor=LOCAL)
    with pytest.raises(NotFoundError):
        ring.revoke("checkout", actor=LOCAL)
    with store.read() as tx:
        entries = tx.audit.list()
    assert [(entry.actor, entry.action, entry.subject) for entry in entries] == [
        ("local", "key.revoke", "checkout"),
        ("local", "key.create", "checkout"),
    ]


def test_a_part_of_the_server_gets_a_new_key_in_the_place_of_its_own(ring: KeyRing, store: Store) -> None:
    first, second = (ring.renew("pages", "scorer", actor=LOCAL, owner="interlock") for _ in range(2))
    assert ring.authenticate(second).role == "scorer"
    with pytest.raises(UnauthenticatedError, match="was revoked"):
        ring.authenticate(first)
    with store.read() as tx:
        assert [entry.action for entry in tx.audit.list(10)] == ["key.create", "key.revoke", "key.create"]


def test_what_a_person_calls_alike_is_not_revoked_for_it(ring: KeyRing) -> None:
    _, secret = ring.create("pages", "admin", actor=LOCAL)
    with pytest.raises(ConflictError, match="exists already"):
        ring.renew("pages", "scorer", actor=LOCAL, owner="interlock")
    assert ring.authenticate(secret).role == "admin"
