"""What holds of every strategy there is, whatever it compares."""

from datetime import datetime
from typing import get_args

import msgspec
import pytest
from tests.unit.releases.world import World

from interlock.domain.access import Key
from interlock.domain.release import TERMINAL, ReleasePlan, Strategy
from interlock.releases.strategies import STRATEGIES
from interlock.store import Store

ALL = list(get_args(Strategy))
SEEING = [name for name in ALL if name != "blue_green"]  # which has no gates


@pytest.fixture
def world(store: Store, now: datetime, key: Key) -> World:
    return World(store, now, key)


def plan_of(strategy: Strategy) -> ReleasePlan:
    plan = msgspec.structs.replace(STRATEGIES[strategy].plan, require_approval=False)
    return msgspec.structs.replace(plan, reward="sold") if plan.reward else plan


def test_every_strategy_is_there() -> None:
    assert list(STRATEGIES) == ALL


@pytest.mark.parametrize("strategy", ALL)
def test_nobody_gets_traffic_before_every_gateway_has_loaded_it(world: World, strategy: Strategy) -> None:
    world.start(plan_of(strategy), strategy)
    world.controller.step()
    assert world.state == "draft"
    assert world.plan.shares == {"wine:1": 1.0}
    assert "wine:2" in world.plan.versions


@pytest.mark.parametrize("strategy", SEEING)
def test_no_traffic_is_never_good_news(world: World, strategy: Strategy) -> None:
    world.start(plan_of(strategy), strategy)
    for _ in range(5):
        world.look(3600)
    assert world.state == "running"
    assert world.release.step == 0
    assert world.reason.startswith("waiting: ")


@pytest.mark.parametrize("strategy", [name for name in SEEING if name != "shadow"])
def test_a_candidate_that_fails_its_callers_is_rolled_back(world: World, strategy: Strategy) -> None:
    world.start(plan_of(strategy), strategy)
    world.look()
    for _ in range(5):
        world.traffic(3000, challenger_fails=0.5)
        world.look()
    assert world.state == "rolled_back"
    assert world.reason.startswith("rolled back")
    assert world.plan.shares == {"wine:1": 1.0}


@pytest.mark.parametrize("strategy", ALL)
def test_a_guard_ends_it(world: World, strategy: Strategy) -> None:
    world.start(plan_of(strategy), strategy)
    world.look()
    name = "wine-1 wine:2" if world.release.compares_arms else "wine-1"
    world.beat(trips={name: "failed 20 of 20 requests"})
    world.controller.step()
    assert world.state == "rolled_back"
    assert "guard" in world.reason


@pytest.mark.parametrize("strategy", ALL)
@pytest.mark.parametrize("verb", ["promote", "rollback"])
def test_a_person_can_end_it_at_any_time(world: World, strategy: Strategy, verb: str) -> None:
    world.start(plan_of(strategy), strategy)
    world.look()
    if verb == "promote":
        world.releases.promote("wine-1", actor=world._key)
    else:
        world.releases.rollback("wine", actor=world._key)
    assert world.state in TERMINAL
    assert world.plan.shares == {"wine:2" if verb == "promote" else "wine:1": 1.0}
    # After a promotion the old champion goes on scoring.
    assert world.plan.release_id == ("wine-1" if verb == "promote" else None)


@pytest.mark.parametrize("strategy", ALL)
def test_a_new_controller_decides_as_the_one_before(world: World, strategy: Strategy) -> None:
    world.start(plan_of(strategy), strategy)
    world.look()
    world.traffic(400)
    world.earn(400, {"wine:1": 0.3, "wine:2": 0.3})
    world.look()
    before = world.release
    world.controller = world.new_controller()
    world.look(0.1)
    assert (world.release.step, world.release.state, world.release.decision) == (
        before.step, before.state, before.decision,
    )  # fmt: skip


@pytest.mark.parametrize("strategy", SEEING)
def test_a_deadline_ends_the_waiting(world: World, strategy: Strategy) -> None:
    world.start(msgspec.structs.replace(plan_of(strategy), step_hours=1.0), strategy)
    world.look()
    world.look(3700)
    assert world.state == "inconclusive"
