from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from interlock.domain.errors import ConflictError, NotFoundError
from interlock.domain.release import Gate, Release, ReleasePlan
from interlock.store import Store
from interlock.store.releases import Look

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def release(id: str, endpoint: str = "wine", **changes: Any) -> Release:
    made = Release(
        id=id,
        endpoint=endpoint,
        strategy="canary",
        state="running",
        candidate="m:2",
        champion="m:1",
        plan=ReleasePlan(),
        created_at=NOW,
        created_by="me",
    )
    return msgspec.structs.replace(made, **changes)


def gate(outcome: str) -> Gate:
    made = Gate(
        metric="errors", outcome="ok", scale="ratio", estimate=1.0, lower=0.5, upper=None, margin=1.5,
        counts={"champion": 1, "challenger": 2}, reason="fine", alpha=0.01,
    )  # fmt: skip
    return msgspec.structs.replace(made, outcome=outcome)


def test_an_endpoint_has_one_active_release_at_a_time(store: Store) -> None:
    with store.transaction() as tx:
        tx.releases.add(release("wine-1"))
        with pytest.raises(ConflictError, match="wine-1"):
            tx.releases.add(release("wine-2"))
        tx.releases.add(release("beer-1", "beer"))
        assert [one.id for one in tx.releases.active()] == ["beer-1", "wine-1"]
        tx.releases.update(release("wine-1", state="promoted"))
        tx.releases.add(release("wine-2"))
        assert [one.id for one in tx.releases.active("wine")] == ["wine-2"]
        assert [one.id for one in tx.releases.list("wine")] == ["wine-1", "wine-2"]
        assert tx.releases.get("wine-1") == release("wine-1", state="promoted")


def test_an_unknown_release_is_not_found(store: Store) -> None:
    with store.transaction() as tx:
        with pytest.raises(NotFoundError):
            tx.releases.get("wine-1")
        with pytest.raises(NotFoundError):
            tx.releases.update(release("wine-1"))


def test_looks_are_kept_in_order(store: Store) -> None:
    with store.transaction() as tx:
        tx.releases.add_look("wine-1", NOW, 0, (gate("ok"),))
        tx.releases.add_look("wine-1", NOW, 1, (gate("breach"),))
    with store.read() as tx:
        assert tx.releases.looks("wine-1") == [Look(NOW, 0, (gate("ok"),)), Look(NOW, 1, (gate("breach"),))]
        assert (tx.releases.count_looks("wine-1"), tx.releases.count_looks("wine-2")) == (2, 0)
