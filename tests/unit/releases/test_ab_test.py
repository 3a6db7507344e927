"""An A/B test from start to verdict, on the real store and controller; a gateway and rewards moved by hand."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from tests.unit.releases.world import World

from interlock.domain.access import Key
from interlock.domain.errors import ConflictError, InvalidInputError
from interlock.domain.release import ReleasePlan, Strategy
from interlock.releases import outcomes, segments
from interlock.releases.outcomes import Units
from interlock.store import Store

PLAN = ReleasePlan(steps=(), reward="sold", max_failure_rate=0.3)
EQUAL = {"wine:1": 0.3, "wine:2": 0.3, "wine:3": 0.3}


@pytest.fixture
def world(store: Store, now: datetime, key: Key) -> World:
    return World(store, now, key)


def begin(world: World, plan: ReleasePlan = PLAN, *others: str) -> None:
    world.start(plan, "ab_test", *others)
    world.look()
    assert world.state == "running"


def go_on(world: World, means: Mapping[str, float], looks: int, units: int = 300, fails: float = 0.0) -> None:
    for _ in range(looks):
        if world.state != "running":
            return
        world.traffic(units, challenger_fails=fails)
        world.earn(units, means)
        world.look()


def test_every_arm_has_the_same_share_and_keeps_it(world: World) -> None:
    begin(world, PLAN, "wine:3")
    assert world.plan.shares == pytest.approx({"wine:1": 1 / 3, "wine:2": 1 / 3, "wine:3": 1 / 3}, abs=2e-6)
    slots = [arm.slots for arm in world.plan.arms]
    go_on(world, EQUAL, 3)
    assert [arm.slots for arm in world.plan.arms] == slots


def test_a_winner_is_told_and_waits_for_a_person(world: World) -> None:
    begin(world, PLAN, "wine:3")
    go_on(world, {**EQUAL, "wine:3": 0.45}, 40)
    assert world.state == "awaiting_approval"
    assert world.release.winner == "wine:3"
    assert world.reason.startswith("wine:3 wins: sold 0.4")
    assert "of wine:1, difference 0." in world.reason
    assert "with 95 % confidence at any time, after" in world.reason
    assert sum(world.plan.shares.values()) == pytest.approx(1.0)
    world.releases.promote("wine-1", actor=Key(name="ann", role="operator", digest="d", created_at=world.now))
    assert world.plan.shares == {"wine:3": 1.0}


def test_a_winner_is_promoted_where_the_plan_says_so(world: World) -> None:
    begin(world, msgspec.structs.replace(PLAN, promote_winner=True))
    go_on(world, {**EQUAL, "wine:2": 0.45}, 40)
    assert (world.state, world.plan.champion) == ("promoted", "wine:2")


def test_a_loser_ends_the_test_and_of_several_leaves_it(world: World) -> None:
    begin(world, PLAN, "wine:3")
    kept = world.plan.arms[1].slots
    go_on(world, {**EQUAL, "wine:2": 0.1}, 8)
    assert world.state == "running"
    assert list(world.release.withdrawn) == ["wine:2"]
    assert [(arm.version, arm.slots) for arm in world.plan.arms] == [("wine:3", kept)]
    assert world.plan.shares["wine:1"] == pytest.approx(2 / 3, abs=1e-5)
    with pytest.raises(ConflictError, match="not among the candidates"):
        world.releases.promote("wine-1", candidate="wine:2", actor=world._key)
    go_on(world, {**EQUAL, "wine:3": 0.1}, 40)
    assert world.state == "rolled_back"
    assert world.reason.startswith("rolled back: wine:1 stays: sold 0.")


def test_little_is_good_where_the_goal_is_to_minimise(world: World) -> None:
    begin(world, msgspec.structs.replace(PLAN, goal="minimise"))
    go_on(world, {**EQUAL, "wine:2": 0.15}, 40)
    assert (world.state, world.release.winner) == ("awaiting_approval", "wine:2")


def test_no_difference_worth_knowing_is_a_verdict(world: World) -> None:
    begin(world, msgspec.structs.replace(PLAN, mde=0.3))
    go_on(world, EQUAL, 40)
    assert world.state == "inconclusive"
    assert world.reason.startswith("no difference of at least 30 %: sold 0.")


def test_errors_of_an_arm_withdraw_it(world: World) -> None:
    begin(world)
    go_on(world, EQUAL, 5, fails=0.2)
    assert world.state == "rolled_back"
    assert "errors" in world.reason


def test_a_guard_of_one_arm_leaves_the_others(world: World) -> None:
    begin(world, PLAN, "wine:3")
    world.beat(trips={"wine-1 wine:3": "failed 20 of 20 requests"})
    world.controller.step()
    assert (world.state, world.release.remaining) == ("running", ("wine:2",))
    assert "guard" in world.release.withdrawn["wine:3"]


def test_groups_that_do_not_come_out_stop_it_as_not_comparable(world: World) -> None:
    begin(world)
    world.earn(2000, EQUAL)
    rows = world.rows.assigned_table
    lost = [n for n, version in enumerate(rows["assigned_version"].to_pylist()) if version == "wine:1" or n % 5]
    world.rows.assigned_table = rows.take(lost)
    world.look()
    assert world.state == "rolled_back"
    assert world.reason.startswith("stopped: not comparable: ")
    assert world.release.gates[0].outcome == "not_comparable"


def test_rewards_that_come_for_one_arm_only_are_not_comparable(world: World) -> None:
    begin(world)
    world.earn(3000, EQUAL)
    rows = world.rows.assigned_table.to_pylist()
    for number, row in enumerate(rows):
        if row["assigned_version"] == "wine:2" and number % 3 == 0:
            row["reward.sold"] = row["rewarded_at.sold"] = None
    world.rows.assigned_table = type(world.rows.assigned_table).from_pylist(
        rows, schema=world.rows.assigned_table.schema
    )
    world.look()
    assert world.state == "rolled_back"
    assert "values came for" in world.reason


def test_shares_go_up_by_the_plan_and_nobody_is_moved_back(world: World) -> None:
    begin(world, msgspec.structs.replace(PLAN, steps=(0.2, 0.6)), "wine:3")
    low = {arm.version: arm.slots for arm in world.plan.arms}
    assert world.release.traffic_share == pytest.approx(0.2)
    go_on(world, EQUAL, 6)
    assert world.release.stage == 1
    assert world.plan.shares == pytest.approx({"wine:1": 0.4, "wine:2": 0.3, "wine:3": 0.3})
    for arm in world.plan.arms:
        ((start, stop),) = low[arm.version]
        assert any(begin <= start and stop <= end for begin, end in arm.slots)


def test_plans_and_candidates_that_cannot_be_are_refused(world: World) -> None:
    wanted: tuple[tuple[ReleasePlan, Strategy, tuple[str, ...], str], ...] = (
        (PLAN, "canary", (), "reward: only of ab_test and bandit"),
        (ReleasePlan(), "canary", ("wine:3",), "takes one candidate"),
        (msgspec.structs.replace(PLAN, steps=(0.5, 1.0)), "ab_test", (), "nobody is left to compare with"),
        (msgspec.structs.replace(PLAN, reward=None), "bandit", (), "needs the name of one"),
        (msgspec.structs.replace(PLAN, floor=0.4), "bandit", ("wine:3",), "with 3 arms"),
        (PLAN, "ab_test", ("wine:2",), "each must be named once"),
    )
    for plan, strategy, others, why in wanted:
        with pytest.raises(InvalidInputError, match=why):
            world.releases.start("wine", "wine:2", *others, plan=plan, strategy=strategy, actor=world._key)


def test_a_guard_reward_that_gets_worse_withdraws_the_arm(world: World) -> None:
    begin(world, msgspec.structs.replace(PLAN, guard_rewards={"returns": "minimise"}))
    world.traffic(3000)
    world.earn(3000, EQUAL)
    rows = world.rows.assigned_table
    bad = np.array([version == "wine:2" for version in rows["assigned_version"].to_pylist()])
    returns = (world.rng.random(rows.num_rows) < np.where(bad, 0.5, 0.3)).astype(float)
    rows = rows.append_column("reward.returns", pa.array(returns))
    world.rows.assigned_table = rows.append_column("rewarded_at.returns", rows["rewarded_at.sold"])
    world.look()
    assert world.state == "rolled_back"
    assert world.reason.startswith("rolled back: wine:1 stays: returns 0.")
    metrics = [gate.metric for gate in world.release.gates]
    assert metrics == ["sample_ratio", "effect.sold", "errors", "latency.p95", "guardrail.returns"]


def test_it_is_refused_where_the_log_has_no_units(world: World) -> None:
    with world.store.transaction() as tx:
        tx.endpoints.update(msgspec.structs.replace(tx.endpoints.get("wine"), privacy={"unit": "drop"}))
    with pytest.raises(ConflictError, match="keeps the values of unit out of the log"):
        world.start(PLAN, "ab_test")
    world.start()  # a canary counts in the gateways


def test_it_is_refused_to_promote_one_of_several_without_a_name(world: World) -> None:
    begin(world, PLAN, "wine:3")
    with pytest.raises(ConflictError, match="name one of wine:2, wine:3"):
        world.releases.promote("wine-1", actor=world._key)


@pytest.mark.slow
def test_equal_arms_are_rarely_told_apart(store: Store, now: datetime, key: Key) -> None:
    """Twenty whole tests, looked at forty times each: at 5 % one or two may end by chance, no more than four."""
    ended = 0
    for seed in range(20):
        world = World(store, now, key, seed)
        release = world.releases.start("wine", "wine:2", plan=PLAN, strategy="ab_test", actor=key)
        world.look()
        for _ in range(40):
            world.earn(200, EQUAL)
            world.traffic(200)
            world.look()
        with store.read() as tx:
            state = tx.releases.get(release.id).state
        ended += state != "running"
        if state != "rolled_back":
            world.releases.rollback("wine", actor=key)
    assert ended <= 4


def visited(world: World, units: int, effect: float = 0.0) -> None:
    """New units whose sales follow from what they visited before, and of which only the young react to a candidate."""
    world.traffic(units)
    world.earn(units, EQUAL)
    rows = world.rows.assigned_table
    count, rng = rows.num_rows, np.random.default_rng(7)
    visits, age = rng.normal(10, 3, count), rng.choice(["young", "old"], count)
    moved = np.array([version == "wine:2" for version in rows["assigned_version"].to_pylist()]) & (age == "young")
    sold = visits + effect * moved + rng.normal(0, 1, count)
    rows = rows.set_column(rows.column_names.index("reward.sold"), "reward.sold", pa.array(sold))
    world.rows.assigned_table = rows.append_column("input.visits", pa.array(visits)).append_column("input.age", [age])
    world.look()


def test_a_covariate_sharpens_the_difference_and_the_plain_one_stands_beside_it(world: World) -> None:
    begin(world, msgspec.structs.replace(PLAN, covariate="x", segments=("x",)))
    visited(world, 3000)
    rows = world.rows.assigned_table.rename_columns({"input.visits": "input.x"})
    world.rows.assigned_table = rows.slice(0, rows.num_rows - 1)
    world.look()
    effect = next(gate for gate in world.release.gates if gate.metric == "effect.sold")
    plain = effect.details["unadjusted"]
    assert effect.details["variance_explained"] == pytest.approx(0.9, abs=0.02)
    assert effect.lower is not None
    assert effect.upper is not None
    assert (plain["upper"] - plain["lower"]) / (effect.upper - effect.lower) == pytest.approx(10**0.5, rel=0.1)
    assert effect.reason.endswith(", adjusted for x")
    assert effect.details["segments"][0]["value"].startswith("under")
    assert effect.details["segments_note"].startswith("exploration only, decides nothing: 4 segments")


def test_segments_show_where_an_effect_is_and_decide_nothing(world: World) -> None:
    units = units_of(world, effect=2.0)
    found = {each["value"]: each for each in segments.explore(units, "wine:2", ("age",), alpha=0.01)}
    assert found["young"]["lower"] > 1
    assert found["old"]["lower"] < 0 < found["old"]["upper"]
    assert found["old"]["champion_units"] + found["young"]["champion_units"] == int((units.arm == 0).sum())


def units_of(world: World, effect: float) -> Units:
    begin(world)
    visited(world, 4000, effect)
    rows = world.rows.assigned_table
    return outcomes.by_unit(world.release, rows, outcomes.reward_values(PLAN, rows, "sold", world.now))


def test_equal_segments_are_all_inside_their_bounds(world: World) -> None:
    units = units_of(world, effect=0.0)
    found = segments.explore(units, "wine:2", ("age", "visits"), alpha=0.05)
    assert [each["column"] for each in found] == ["age"] * 2 + ["visits"] * 4
    assert all(each["lower"] < 0 < each["upper"] for each in found)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"covariate": "y"}, "covariate == 'y', must be a numeric input: x"),
        ({"segments": ("x", "y")}, "segments: 'y' is no input of one value; there is x"),
        ({"segments": tuple("abcdefghijk")}, "at most 10 can be looked at"),
    ],
)
def test_inputs_that_cannot_be_compared_by_are_refused(world: World, changed: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(why)):
        world.start(msgspec.structs.replace(PLAN, **changed), "ab_test")


def test_a_covariate_is_of_tests_alone(world: World) -> None:
    with pytest.raises(InvalidInputError, match="covariate: only of ab_test"):
        world.start(ReleasePlan(covariate="x"))
    with pytest.raises(InvalidInputError, match="covariate, segments: only of an ab_test"):
        world.start(msgspec.structs.replace(PLAN, covariate="x"), "bandit")
