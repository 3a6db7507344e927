"""Replays over real HTTP, by the client that users have. The model of this plane has no file: its replays fail."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from interlock.client import Client
from interlock.domain.errors import ForbiddenError, InvalidInputError, NotFoundError
from interlock.domain.traffic import TrafficPlan


@pytest.fixture(scope="module", autouse=True)
def _served(logged_plane: Any) -> None:
    with logged_plane.app.state.services.store.transaction() as tx:
        tx.plans.append(TrafficPlan(endpoint="wine", generation=1, champion="m:1"))


def client(plane: Any, role: str) -> Client:
    return Client(str(plane.client.base_url).rstrip("/"), plane.keys[role])


def test_a_replay_is_started_watched_and_listed(logged_plane: Any) -> None:
    operator = client(logged_plane, "operator")
    since = datetime(2013, 4, 1, tzinfo=UTC)
    started = operator.start_replay("wine", "m:2", since=since, limit=10, fresh=False)
    assert (started["id"], started["state"], started["limit"]) == ("wine-replay-1", "running", 10)
    ends_at = time.monotonic() + 120
    while (found := operator.replay("wine", started["id"]))["state"] == "running":
        assert time.monotonic() < ends_at
        time.sleep(0.1)
    assert found["state"] == "failed"
    assert "artifact" in found["error"]
    assert [one["id"] for one in operator.replays("wine")] == ["wine-replay-1"]
    assert operator.cancel_replay("wine", started["id"])["state"] == "failed"


def test_only_who_operates_starts_one(logged_plane: Any) -> None:
    with pytest.raises(ForbiddenError):
        client(logged_plane, "viewer").start_replay("wine", "m:2", fresh=False)
    assert isinstance(client(logged_plane, "viewer").replays("wine"), list)


def test_bad_input_is_explained(logged_plane: Any) -> None:
    operator = client(logged_plane, "operator")
    with pytest.raises(NotFoundError, match="m:9"):
        operator.start_replay("wine", "m:9", fresh=False)
    with pytest.raises(InvalidInputError, match="limit == 0, must be at least 1"):
        operator.start_replay("wine", "m:2", limit=0, fresh=False)
    with pytest.raises(InvalidInputError, match="must have a time zone"):
        operator.start_replay("wine", "m:2", since=datetime(2026, 1, 1), fresh=False)  # noqa: DTZ001 (that is the fault)
    with pytest.raises(NotFoundError):
        operator.replay("wine", "wine-replay-99")
