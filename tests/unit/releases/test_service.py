from collections.abc import Callable
from datetime import datetime

import msgspec
import pytest

from interlock.domain.access import Key
from interlock.domain.contract import Contract, Field
from interlock.domain.endpoint import ReleaseDefaults
from interlock.domain.errors import ConflictError, InvalidInputError, NotFoundError
from interlock.domain.model import ModelVersion
from interlock.domain.release import ReleasePlan
from interlock.domain.traffic import TrafficPlan
from interlock.releases import road
from interlock.releases.road import Mover
from interlock.releases.service import Releases
from interlock.store import Store


@pytest.fixture
def releases(store: Store, now: datetime) -> Releases:
    return Releases(store, lambda: now)


def begin(store: Store, now: datetime) -> None:
    with store.transaction() as tx:
        road.begin(tx, tx.releases.get("wine-1"), Mover("controller", "system", now, "loaded"))


def plan_now(store: Store) -> TrafficPlan:
    with store.read() as tx:
        return tx.plans.current("wine")


def test_a_start_writes_a_draft_with_a_salt_of_its_own(store: Store, releases: Releases, key: Key) -> None:
    first = releases.start("wine", "wine:2", actor=key, reason="it is better")
    releases.rollback("wine", actor=key)
    second = releases.start("wine", "wine:2", actor=key)
    assert (first.id, first.state, first.champion, first.created_by) == ("wine-1", "draft", "wine:1", "ann")
    assert second.id == "wine-2"
    assert first.salt != second.salt
    with store.read() as tx:
        entry = tx.audit.list()[-1]
    assert (entry.action, entry.details["reason"]) == ("release.start", "it is better")
    assert entry.details["plan"]["alpha"] == 0.05


def test_a_second_release_is_refused(releases: Releases, key: Key) -> None:
    releases.start("wine", "wine:2", actor=key)
    with pytest.raises(ConflictError, match="wine-1"):
        releases.start("wine", "wine:3", actor=key)


def test_the_champion_is_no_candidate(store: Store, releases: Releases, key: Key) -> None:
    with pytest.raises(ConflictError, match="champion of endpoint 'wine' already"):
        releases.start("wine", "wine:1", actor=key)
    assert plan_now(store).generation == 1


def test_what_is_not_there_is_named(releases: Releases, key: Key) -> None:
    with pytest.raises(NotFoundError, match="there is: wine:1, wine:2, wine:3"):
        releases.start("wine", "wine:9", actor=key)
    with pytest.raises(NotFoundError, match="there is: wine"):
        releases.start("beer", "wine:2", actor=key)
    with pytest.raises(NotFoundError, match="release"):
        releases.show("wine-7")


def test_a_candidate_that_breaks_callers_is_refused_with_every_difference(
    store: Store, releases: Releases, key: Key, version: Callable[..., ModelVersion], contract: Contract
) -> None:
    other = Contract(
        inputs=(Field(name="y", datatype="FP64"),), outputs=contract.outputs, task="binary", classes=(1, 0)
    )
    with store.transaction() as tx:
        tx.models.add(version(4, other))
    with pytest.raises(ConflictError, match=r"'x' is gone; input 'y' is new and required; order of classes changed"):
        releases.start("wine", "wine:4", actor=key)


def test_a_plan_that_breaks_a_rule_is_refused(releases: Releases, key: Key) -> None:
    with pytest.raises(InvalidInputError, match="must rise strictly"):
        releases.start("wine", "wine:2", plan=ReleasePlan(steps=(0.5, 0.1, 1.0)), actor=key)


def test_promotion_by_hand_serves_the_candidate_at_once_and_twice_is_once(
    store: Store, releases: Releases, key: Key, now: datetime
) -> None:
    releases.start("wine", "wine:2", actor=key)
    with pytest.raises(ConflictError, match="is draft"):
        releases.promote("wine-1", actor=key)
    begin(store, now)
    done = releases.promote("wine-1", actor=key, reason="urgent")
    assert releases.promote("wine-1", actor=key) == done
    assert done.decision is not None
    assert (done.decision.outcome, done.decision.reason) == ("promote", "promoted by ann: urgent")
    assert (plan_now(store).champion, plan_now(store).generation) == ("wine:2", 4)
    with pytest.raises(ConflictError, match="promoted"):
        releases.pause("wine-1", actor=key)


def test_pause_and_resume(store: Store, releases: Releases, key: Key, now: datetime) -> None:
    releases.start("wine", "wine:2", actor=key)
    begin(store, now)
    assert releases.pause("wine-1", actor=key).state == "paused"
    assert releases.pause("wine-1", actor=key).state == "paused"
    assert releases.resume("wine-1", actor=key).state == "running"


def test_rollback_of_a_running_release_takes_the_challenger_away(
    store: Store, releases: Releases, key: Key, now: datetime
) -> None:
    releases.start("wine", "wine:2", actor=key)
    begin(store, now)
    plan = releases.rollback("wine", actor=key, reason="callers complain")
    assert plan == plan_now(store)
    assert plan.versions == ("wine:1",)
    shown = releases.show("wine-1")
    assert shown["state"] == "rolled_back"
    assert shown["decision"]["reason"] == "rolled back by ann: callers complain"


def test_rollback_before_any_traffic_cancels(releases: Releases, key: Key) -> None:
    releases.start("wine", "wine:2", actor=key)
    releases.rollback("wine", actor=key)
    assert releases.show("wine-1")["state"] == "cancelled"


def test_rollback_after_promotion_returns_to_the_champion_before_and_not_forth_again(
    store: Store, releases: Releases, key: Key, now: datetime
) -> None:
    releases.start("wine", "wine:2", actor=key)
    begin(store, now)
    releases.promote("wine-1", actor=key)
    assert releases.rollback("wine", actor=key).champion == "wine:1"
    with pytest.raises(ConflictError, match="no champion before wine:1"):
        releases.rollback("wine", actor=key)
    with store.read() as tx:
        assert tx.audit.list(limit=1)[0].action == "endpoint.rollback"


def test_rollback_to_a_named_version(store: Store, releases: Releases, key: Key, now: datetime) -> None:
    releases.start("wine", "wine:2", actor=key)
    begin(store, now)
    assert releases.rollback("wine", to="wine:3", actor=key).champion == "wine:3"
    assert releases.show("wine-1")["state"] == "rolled_back"
    generation = plan_now(store).generation
    assert releases.rollback("wine", to="wine:3", actor=key).generation == generation
    with pytest.raises(NotFoundError):
        releases.rollback("wine", to="wine:9", actor=key)


def test_rollback_to_a_version_that_breaks_callers_is_refused(
    store: Store, releases: Releases, key: Key, version: Callable[..., ModelVersion]
) -> None:
    with store.transaction() as tx:
        tx.models.add(version(4, Contract(inputs=(), outputs=())))
    with pytest.raises(ConflictError, match="never served"):
        releases.rollback("wine", to="wine:4", actor=key)


def test_show_has_the_promised_shape(releases: Releases, key: Key) -> None:
    releases.start("wine", "wine:2", actor=key)
    shown = releases.show("wine-1")
    promised = {
        "id": "wine-1",
        "endpoint": "wine",
        "strategy": "canary",
        "state": "draft",
        "candidate": "wine:2",
        "champion": "wine:1",
        "step": 0,
        "traffic_share": 0.0,
        "decision": None,
        "gates": [],
    }
    assert {name: shown[name] for name in promised} == promised
    assert (shown["looks"], shown["seconds"], shown["finished_at"]) == (0, 0.0, None)
    assert releases.list("wine") == [shown]
    assert releases.list("beer") == []


def test_going_back_is_no_way_around_an_approval(store: Store, releases: Releases, key: Key) -> None:
    releases.start("wine", "wine:2", plan=ReleasePlan(require_approval=True), actor=key)
    with pytest.raises(ConflictError, match="a release of it was never approved"):
        releases.rollback("wine", to="wine:2", actor=key)
    assert plan_now(store).champion == "wine:1"
    releases.rollback("wine", actor=key)
    with pytest.raises(ConflictError, match="a release of it was never approved"):
        releases.rollback("wine", to="wine:2", actor=key)
    assert releases.rollback("wine", to="wine:3", actor=key).champion == "wine:3"


def test_taking_back_a_release_that_ended_meanwhile_goes_no_further_back(
    store: Store, releases: Releases, key: Key
) -> None:
    with pytest.raises(NotFoundError):
        releases.take_back("wine-1", actor=key)
    for number, candidate in enumerate(("wine:2", "wine:3"), 1):
        releases.start("wine", candidate, actor=key)
        with store.transaction() as tx:
            road.begin(tx, tx.releases.get(f"wine-{number}"), Mover("controller", "system", key.created_at, "begun"))
        if candidate == "wine:2":
            releases.promote("wine-1", actor=key)
    assert releases.take_back("wine-2", actor=key).champion == "wine:2"
    assert releases.get("wine-2").state == "rolled_back"
    with pytest.raises(ConflictError, match="release wine-2 is rolled_back, and its candidate does not serve"):
        releases.take_back("wine-2", actor=key)
    assert releases.take_back("wine-1", actor=key, reason="complaints").champion == "wine:1"


def test_what_is_not_said_is_as_the_endpoint_has_it_and_else_as_the_product(store: Store, releases: Releases) -> None:
    assert releases.wanted("wine", None, {}) == ("canary", ReleasePlan())
    assert releases.wanted("nowhere", None, {}) == ("canary", ReleasePlan())
    defaults = ReleaseDefaults(strategy="blue_green", plan={"steps": [0.5, 1.0], "hold_seconds": 5.0})
    with store.transaction() as tx:
        tx.endpoints.update(msgspec.structs.replace(tx.endpoints.get("wine"), release_defaults=defaults))
    plan = ReleasePlan(steps=(0.5, 1.0), hold_seconds=5.0)
    assert releases.wanted("wine", None, {}) == ("blue_green", plan)
    assert releases.wanted("wine", "blue_green", {"hold_seconds": 9}) == (
        "blue_green", ReleasePlan(steps=(0.5, 1.0), hold_seconds=9.0),
    )  # fmt: skip
    assert releases.wanted("wine", "canary", {"min_units": 3}) == ("canary", ReleasePlan(min_units=3))
    with pytest.raises(InvalidInputError, match="plan has no 'step'"):
        releases.wanted("wine", None, {"step": [1]})
