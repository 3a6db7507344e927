"""A bandit on the real store and controller; a gateway and rewards moved by hand."""

from datetime import datetime, timedelta
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from tests.unit.releases.world import World

from interlock.domain.access import Key
from interlock.domain.release import Policy, ReleasePlan
from interlock.releases.bandit import shares_of, to_be_large
from interlock.stats.bandit import Earned
from interlock.store import Store

PLAN = ReleasePlan(steps=(), reward="sold", reward_kind="bernoulli", max_failure_rate=0.3, update_seconds=60.0)
MEANS = {"wine:1": 0.3, "wine:2": 0.2, "wine:3": 0.5}


@pytest.fixture
def world(store: Store, now: datetime, key: Key) -> World:
    return World(store, now, key)


def begin(world: World, plan: ReleasePlan = PLAN) -> None:
    world.start(plan, "bandit", "wine:3")
    world.look()
    assert world.state == "running"


def go_on(world: World, batches: int, means: dict[str, float] | None = None) -> None:
    for _ in range(batches):
        world.earn(600, means or MEANS)
        world.traffic(600)
        world.look(61)


@pytest.mark.parametrize("policy", ["thompson", "ucb1", "epsilon_greedy"])
def test_traffic_moves_to_what_earns_most_and_every_arm_keeps_its_floor(world: World, policy: Policy) -> None:
    begin(world, msgspec.structs.replace(PLAN, policy=policy))
    go_on(world, 6)
    shares = world.plan.shares
    assert shares["wine:3"] > 0.7
    assert min(shares.values()) >= PLAN.floor - 1e-6
    assert sum(shares.values()) == pytest.approx(1.0)
    assert world.state == "running"
    assert world.release.decision is not None


@pytest.mark.parametrize("kind", ["bernoulli", "gaussian"])
@pytest.mark.parametrize("policy", ["thompson", "ucb1", "epsilon_greedy"])
def test_the_best_of_three_gets_the_most_where_little_is_good(policy: Policy, kind: str) -> None:
    plan = ReleasePlan(steps=(), reward="cost", goal="minimise", policy=policy, reward_kind=kind)  # type: ignore[arg-type]  # parametrized
    costs = np.array([0.0, 0.5, 1.0])
    arms = [Earned(300, float(mean), 0.25) for mean in to_be_large(plan, costs)]
    assert shares_of(plan, arms, np.random.default_rng(1)).argmax() == 0


def test_batches_come_by_the_clock_and_each_is_a_step(world: World) -> None:
    begin(world)
    go_on(world, 3)
    step = world.release.step
    world.earn(600, MEANS)
    world.look(1)
    assert world.release.step == step
    world.look(61)
    with world.store.read() as tx:
        plans = [plan for plan in tx.plans.list("wine") if plan.release_id == "wine-1"]
    assert [plan.step for plan in plans] == list(range(len(plans)))
    for before, after in pairwise(plans):
        assert before.shares != after.shares


def test_the_same_look_gives_the_same_shares_in_a_new_process(world: World, store: Store) -> None:
    begin(world)
    world.earn(2000, MEANS)
    world.now += timedelta(seconds=61)
    world.beat()
    release, rows = world.release, world.rows.assigned_table
    world.new_controller().step()
    once = world.plan.arms
    with store.transaction() as tx:
        tx.releases.update(release)
        tx.plans.append(msgspec.structs.replace(world.plan, generation=world.plan.generation + 1, step=release.step))
    assert world.rows.assigned_table is rows
    world.beat()
    world.new_controller().step()
    assert [arm.points for arm in world.plan.arms] == [arm.points for arm in once]


def test_rewards_that_come_late_count_when_they_come(world: World) -> None:
    begin(world)
    world.earn(1200, MEANS)
    held = world.rows.assigned_table
    world.rows.assigned_table = held.slice(0, 0)
    world.look(61)
    assert world.release.step == 0
    assert "0 of 100 rewarded units" in world.reason
    world.rows.assigned_table = held
    world.look(61)
    assert world.release.step == 1


def test_an_arm_that_fails_is_withdrawn_and_the_others_go_on(world: World) -> None:
    begin(world)
    go_on(world, 2)
    world.beat(trips={"wine-1 wine:3": "failed 20 of 20 requests"})
    world.controller.step()
    assert world.plan.shares["wine:1"] + world.plan.shares["wine:2"] == pytest.approx(1.0)
    go_on(world, 3)
    assert world.state == "running"
    assert world.plan.shares["wine:2"] < 0.3


def test_a_person_ends_it(world: World) -> None:
    begin(world)
    go_on(world, 3)
    world.releases.promote("wine-1", candidate="wine:3", actor=world._key)
    assert world.plan.shares == {"wine:3": 1.0}
    assert world.release.traffic_share == 1.0
    assert world.releases.show("wine-1")["shares"] == {"wine:2": 0.0, "wine:3": 1.0}
