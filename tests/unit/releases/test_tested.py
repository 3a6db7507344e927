"""A release that asks for an application test: which stored test counts, and for what."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
import pytest
from tests.unit.releases.world import PLAN, World, application_test

from interlock.domain.access import Key
from interlock.domain.application_gates import ApplicationGates
from interlock.domain.application_tests import Comparison, Estimate
from interlock.domain.errors import ConflictError
from interlock.domain.release import Release, ReleasePlan
from interlock.releases import tested
from interlock.store import Store

Make = Callable[..., Release]
ASKING = msgspec.structs.replace(PLAN, require_test=True)


@pytest.fixture
def world(store: Store, now: datetime, key: Key) -> World:
    return World(store, now, key)


def standing(store: Store, release: Release) -> tuple[str, str]:
    with store.read() as tx:
        found = tested.standing(tx, release)
    return found.outcome, found.reason


def add(store: Store, **changes: Any) -> None:
    with store.transaction() as tx:
        tx.application_tests.add(application_test(**changes))


def test_without_a_test_it_says_how_to_run_one(store: Store, release: Make) -> None:
    outcome, reason = standing(store, release(plan=ASKING))
    assert outcome == "missing"
    assert "`interlock model test wine:2 --data FILE --endpoint wine`" in reason


def test_the_newest_test_of_exactly_this_version_counts(store: Store, release: Make) -> None:
    add(store, version="wine:3")
    assert standing(store, release(plan=ASKING))[0] == "missing"
    add(store, number=1)
    assert standing(store, release(plan=ASKING))[0] == "passed"
    add(store, number=2, failed_rows=5)
    outcome, reason = standing(store, release(plan=ASKING))
    assert outcome == "failed"
    assert "application test 2 of wine:2 (on heldout.csv, by ann) did not pass: errors: 5 of 100 rows failed" in reason


def test_a_test_for_another_endpoint_does_not_count(store: Store, release: Make) -> None:
    add(store, endpoint="beer")
    assert standing(store, release(plan=ASKING))[0] == "missing"


def test_the_gates_of_the_plan_decide_and_not_those_of_the_test(store: Store, release: Make) -> None:
    add(store, failed_rows=5, gates=ApplicationGates(max_error_share=0.5))
    assert standing(store, release(plan=ASKING))[0] == "failed"
    lax = msgspec.structs.replace(ASKING, test=ApplicationGates(max_error_share=0.05))
    assert standing(store, release(plan=lax))[0] == "passed"


def test_a_comparison_with_another_champion_says_nothing(store: Store, release: Make) -> None:
    gain = Estimate(value=0.1, lower=0.05, upper=0.15)
    better = Comparison(other="wine:1", metric="brier", own=0.1, theirs=0.2, gain=gain, rows=100)
    gates = ApplicationGates(require_quality=True, min_gain_over_baseline=None)
    plan = msgspec.structs.replace(ASKING, test=gates)
    add(store, number=1, champion="wine:1", against_champion=better)
    assert standing(store, release(plan=plan))[0] == "passed"
    add(store, number=2, champion="wine:3", against_champion=better)
    assert standing(store, release(plan=plan))[0] == "failed"


def test_a_release_waits_in_testing_and_begins_once_the_test_has_passed(world: World) -> None:
    world.start(ASKING)
    for _ in range(2):
        world.look()
        assert (world.state, world.plan.traffic_share) == ("testing", 0.0)
        assert world.reason.startswith("wine:2 has no application test yet: `interlock model test wine:2")
    add(world.store)
    world.look()
    assert (world.state, world.plan.traffic_share) == ("running", 0.1)


def test_a_candidate_that_was_tested_before_does_not_wait(world: World) -> None:
    add(world.store)
    world.start(ASKING)
    world.look()
    assert world.state == "running"


def test_a_failed_test_rejects_it(world: World) -> None:
    world.start(ASKING)
    world.look()
    add(world.store, failed_rows=5)
    world.look()
    assert world.state == "rejected"
    assert world.reason.startswith("rejected: application test 1 of wine:2")
    assert world.plan.versions == ("wine:1",)


def test_approval_is_asked_after_the_test(world: World) -> None:
    world.start(msgspec.structs.replace(ASKING, require_approval=True))
    for _ in range(2):
        world.look()
    assert world.state == "testing"
    add(world.store)
    world.look()
    assert world.state == "awaiting_approval"
    world.approve()
    assert world.state == "running"


def test_a_test_that_failed_meanwhile_keeps_an_approved_release_from_beginning(world: World) -> None:
    world.start(msgspec.structs.replace(ASKING, require_approval=True))
    world.look()
    add(world.store, number=1)
    world.look()
    add(world.store, number=2, failed_rows=5)
    with pytest.raises(ConflictError, match="asks for an application test: application test 2"):
        world.approve()
    assert (world.state, world.plan.traffic_share) == ("awaiting_approval", 0.0)


def test_a_candidate_that_has_failed_already_is_not_released(world: World) -> None:
    add(world.store, failed_rows=5)
    with pytest.raises(ConflictError, match="did not pass: errors"):
        world.start(ASKING)
    with world.store.read() as tx:
        assert tx.releases.list() == []
    world.start(PLAN)  # a plan that asks for no test


def test_an_untested_version_is_not_served_by_going_back_to_it(world: World, key: Key) -> None:
    world.start(ASKING)
    world.look()
    world.releases.rollback("wine", actor=key)
    assert world.state == "cancelled"
    with pytest.raises(ConflictError, match="asks for an application test"):
        world.releases.rollback("wine", to="wine:2", actor=key)
    add(world.store)
    assert world.releases.rollback("wine", to="wine:2", actor=key).champion == "wine:2"


def test_plans_that_never_asked_need_no_test(store: Store, release: Make) -> None:
    with store.read() as tx:
        tested.check(tx, release(plan=ReleasePlan()))
