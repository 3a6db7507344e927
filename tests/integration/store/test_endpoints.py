from datetime import UTC, datetime

import msgspec
import pytest

from interlock.domain.endpoint import Endpoint
from interlock.domain.errors import ConflictError, NotFoundError
from interlock.store import Store

WINE = Endpoint(name="wine", created_at=datetime(2026, 1, 1, tzinfo=UTC), created_by="me")


def test_an_endpoint_is_there_until_it_is_deleted(store: Store) -> None:
    with store.transaction() as tx:
        tx.endpoints.add(WINE)
        assert tx.endpoints.get("wine") == WINE
        assert tx.endpoints.list() == [WINE]
        tx.endpoints.delete("wine")
        assert tx.endpoints.list() == []


def test_a_taken_name_is_refused(store: Store) -> None:
    with store.transaction() as tx:
        tx.endpoints.add(WINE)
        with pytest.raises(ConflictError, match="wine"):
            tx.endpoints.add(WINE)


def test_an_unknown_endpoint_names_those_there_are(store: Store) -> None:
    with store.transaction() as tx:
        tx.endpoints.add(WINE)
        with pytest.raises(NotFoundError, match="there is: wine"):
            tx.endpoints.get("beer")
        with pytest.raises(NotFoundError, match="there is: wine"):
            tx.endpoints.delete("beer")


def test_how_long_rows_are_kept_outlives_the_endpoint_and_not_its_successor(store: Store) -> None:
    endpoint = msgspec.structs.replace(WINE, retention_days=30)
    with store.transaction() as tx:
        tx.endpoints.add(endpoint)
        assert tx.endpoints.retention_days("wine") == 30
        tx.endpoints.delete("wine")
        assert tx.endpoints.retention_days("wine") == 30
        tx.endpoints.add(WINE)
        assert tx.endpoints.retention_days("wine") == 0
        tx.endpoints.delete("wine")
        assert tx.endpoints.retention_days("wine") == 0
