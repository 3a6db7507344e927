from datetime import UTC, datetime, timedelta

from interlock.domain.gateway_state import GatewayState
from interlock.store import Store

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def state(id: str, age_seconds: float, **loaded: int) -> GatewayState:
    return GatewayState(id=id, at=NOW - timedelta(seconds=age_seconds), pid=1, generations=loaded)


def test_only_gateways_that_beat_since_then_are_live(store: Store) -> None:
    with store.transaction() as tx:
        tx.gateways.beat(state("gw0", 6.0))
        tx.gateways.beat(state("gw1", 5.0, wine=3))
    with store.read() as tx:
        assert tx.gateways.live(NOW - timedelta(seconds=5)) == [state("gw1", 5.0, wine=3)]


def test_a_heartbeat_replaces_the_one_before(store: Store) -> None:
    with store.transaction() as tx:
        tx.gateways.beat(state("gw0", 2.0, wine=1))
        tx.gateways.beat(state("gw0", 1.0, wine=2))
        assert tx.gateways.live(NOW - timedelta(days=1)) == [state("gw0", 1.0, wine=2)]
        tx.gateways.remove("gw0")
        assert tx.gateways.live(NOW - timedelta(days=1)) == []
