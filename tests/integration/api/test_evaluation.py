"""Off-policy evaluation over real HTTP. No row of this plane was assigned by chance."""

from typing import Any

import pytest

from interlock.client import Client
from interlock.domain.errors import ForbiddenError, InterlockError, InvalidInputError, NotFoundError
from interlock.domain.traffic import TrafficPlan

POLICY = {"shares": {"m:1": 1.0}}


@pytest.fixture
def client(logged_plane: Any) -> Client:
    store = logged_plane.app.state.services.store
    with store.transaction() as tx:
        if not tx.plans.list("wine"):
            tx.plans.append(TrafficPlan(endpoint="wine", generation=1, champion="m:1"))
    return Client(str(logged_plane.client.base_url).rstrip("/"), logged_plane.keys["viewer"])


def test_a_log_without_chance_has_no_answer(client: Client) -> None:
    with pytest.raises(InterlockError, match="no row of 'wine' was assigned by chance"):
        client.evaluate("wine", POLICY, reward="revenue", fresh=False)


def test_bad_input_is_explained(client: Client) -> None:
    with pytest.raises(InvalidInputError, match=r"sum to 0\.5, must sum to 1"):
        client.evaluate("wine", {"shares": {"m:1": 0.5}}, fresh=False)
    with pytest.raises(InvalidInputError, match="several could be meant; there is click, revenue"):
        client.evaluate("wine", POLICY, fresh=False)
    with pytest.raises(NotFoundError):
        client.evaluate("nope", POLICY, fresh=False)


def test_a_key_reads_its_own_endpoints_only(logged_plane: Any) -> None:
    limited = Client(str(logged_plane.client.base_url).rstrip("/"), logged_plane.keys["limited"])
    with pytest.raises(ForbiddenError):
        limited.evaluate("new", POLICY, fresh=False)
