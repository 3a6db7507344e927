from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from interlock.domain.gateway_state import GatewayState
from interlock.domain.release import Release
from interlock.domain.traffic import TrafficPlan
from interlock.releases import loading

PLAN = TrafficPlan(endpoint="wine", generation=4, champion="wine:1", warm=("wine:2",))


@pytest.fixture
def gateway(now: datetime) -> Callable[..., GatewayState]:
    def make(id: str, generation: int = 4, error: str | None = None, trip: str | None = None) -> GatewayState:
        return GatewayState(
            id=id,
            at=now,
            pid=1,
            generations={"wine": generation},
            load_errors={"wine:2": error} if error else {},
            trips={"wine-1": trip} if trip else {},
        )

    return make


def test_a_gateway_is_alive_for_five_seconds(now: datetime) -> None:
    assert loading.live_since(now) == now - timedelta(seconds=5)


def test_every_live_gateway_must_serve_the_plan(gateway: Callable[..., GatewayState]) -> None:
    assert loading.missing(PLAN, [gateway("a"), gateway("b", 5)]) is None
    assert loading.missing(PLAN, [gateway("a"), gateway("b", 3), gateway("c", 0)]) == "waiting: b, c still loading"
    assert loading.missing(PLAN, []) == "waiting: no gateway is alive"


def test_a_load_error_counts_once_the_gateway_knows_the_plan(
    gateway: Callable[..., GatewayState], release: Callable[..., Release]
) -> None:
    assert loading.load_error("wine:2", PLAN, [gateway("a"), gateway("b", error="bad file")]) == "bad file"
    # From an earlier attempt, before this plan.
    assert loading.load_error("wine:2", PLAN, [gateway("b", 3, error="bad file")]) is None
    assert loading.load_error("wine:3", PLAN, [gateway("b", error="bad file")]) is None


def test_a_trip_counts_for_its_own_release(
    gateway: Callable[..., GatewayState], release: Callable[..., Release]
) -> None:
    tripped = [gateway("a"), gateway("b", 3, trip="9 of 10 failed")]
    assert loading.trip(release(), "wine:2", tripped) == "9 of 10 failed"
    assert loading.trip(release(id="wine-2"), "wine:2", tripped) is None
