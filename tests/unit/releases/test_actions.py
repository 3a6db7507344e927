from collections.abc import Callable
from datetime import datetime

import msgspec
import pytest

from interlock.domain.access import Key
from interlock.domain.alert import Action
from interlock.releases import road
from interlock.releases.actions import act
from interlock.releases.road import Mover
from interlock.releases.service import Releases
from interlock.store import Store


@pytest.fixture
def do(store: Store, now: datetime) -> Callable[[Action], str]:
    def do(action: Action) -> str:
        with store.transaction() as tx:
            return act(tx, "wine", action, "accuracy is low", now)

    return do


def running(store: Store, now: datetime, key: Key) -> Releases:
    releases = Releases(store, lambda: now)
    releases.start("wine", "wine:2", actor=key)
    with store.transaction() as tx:
        road.begin(tx, tx.releases.get("wine-1"), Mover("controller", "system", now, "loaded"))
    return releases


def test_a_running_release_is_paused_once(store: Store, now: datetime, key: Key, do: Callable[[Action], str]) -> None:
    releases = running(store, now, key)
    assert do("pause") == "release wine-1 of wine:2 was paused"
    assert releases.get("wine-1").state == "paused"
    assert do("pause") == "nothing was done: no release is running"


def test_an_active_release_is_rolled_back_and_the_champion_stays(
    store: Store, now: datetime, key: Key, do: Callable[[Action], str]
) -> None:
    releases = running(store, now, key)
    assert do("roll_back") == "release wine-1 of wine:2 was rolled back"
    assert releases.get("wine-1").state == "rolled_back"
    with store.read() as tx:
        (entry, *_) = tx.audit.list()
        assert tx.plans.current("wine").champion == "wine:1"
    assert (entry.actor, entry.role, entry.action) == ("alerts", "system", "release.roll_back")
    assert entry.details["reason"] == "by an alert rule: accuracy is low"


def test_without_a_release_the_champion_before_answers_again_and_then_there_is_none(
    store: Store, now: datetime, do: Callable[[Action], str]
) -> None:
    with store.transaction() as tx:
        tx.plans.append(msgspec.structs.replace(tx.plans.current("wine"), generation=2, champion="wine:2"))
    assert do("roll_back") == "wine:1 answers again in place of wine:2"
    assert do("roll_back").startswith("nothing was done: endpoint 'wine' has had no champion before wine:1")
    with store.read() as tx:
        assert tx.plans.current("wine").champion == "wine:1"


def test_an_endpoint_that_is_gone_has_nothing_done_to_it(store: Store, do: Callable[[Action], str]) -> None:
    with store.transaction() as tx:
        tx.plans.remove("wine")
    assert do("roll_back").startswith("nothing was done: traffic plan of endpoint 'wine' does not exist")
