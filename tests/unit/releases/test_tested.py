"""A release that asks for an application test: which stored test counts, and for what."""

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
import pytest
from tests.unit.releases.world import PLAN, World, application_test

from interlock.domain.access import Key
from interlock.domain.application_gates import ApplicationGates
from interlock.domain.application_tests import Comparison, Estimate
from interlock.domain.errors import ConflictError, InvalidInputError, UnloadableModelError
from interlock.domain.release import HeldOutData, Release, ReleasePlan
from interlock.releases import tested
from interlock.releases.controller import ReleaseController
from interlock.releases.own_tests import OwnTests
from interlock.releases.preparation import Preparation
from interlock.releases.service import Releases
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


DATA = HeldOutData(file="heldout.csv", label="quality", sha256="d")
OWN = msgspec.structs.replace(ASKING, test_data=DATA)


class Examiner:
    """Stands where the testing process does: stores a test, or fails, when it is let go."""

    def __init__(self, store: Store, *, failed_rows: int = 0, fault: str = "") -> None:
        self.store, self.failed_rows, self.fault = store, failed_rows, fault
        self.asked: list[tuple[str, HeldOutData, str]] = []
        self.go = threading.Event()

    def run(self, candidate: str, data: HeldOutData, endpoint: str) -> None:
        self.asked.append((candidate, data, endpoint))
        self.go.wait(10)
        if self.fault:
            raise UnloadableModelError(self.fault)
        add(self.store, failed_rows=self.failed_rows)


def looked(world: World, examiner: Examiner, plan: ReleasePlan = OWN) -> tuple[ReleaseController, OwnTests]:
    """A release that is being tested."""
    tests = OwnTests(examiner.run)
    world.controller = ReleaseController(world.store, world.rows, world.clock, Preparation(world.store, tests))
    world.releases = Releases(world.store, world.clock, lambda _: "d")
    world.start(plan)
    for _ in range(3):
        world.look()
    assert (world.state, world.reason) == ("testing", "wine:2 is being tested on heldout.csv")
    assert examiner.asked == [("wine:2", DATA, "wine")]
    examiner.go.set()
    tests.join(world.release, 10)
    world.look()
    return world.controller, tests


def test_a_plan_that_names_the_rows_has_the_candidate_tested_by_itself(world: World) -> None:
    looked(world, Examiner(world.store))
    assert (world.state, world.plan.challenger) == ("running", "wine:2")


def test_nobody_is_waited_for_while_it_is_tested_by_itself(world: World) -> None:
    looked(world, Examiner(world.store))
    with world.store.read() as tx:
        assert "release.await_test" not in [entry.action for entry in tx.audit.list()]


def test_a_candidate_that_fails_its_own_test_is_rejected_with_the_reasons(world: World) -> None:
    looked(world, Examiner(world.store, failed_rows=5))
    assert world.state == "rejected"
    assert "did not pass: errors: 5 of 100 rows failed" in world.reason


def test_a_candidate_that_cannot_be_tested_is_rejected_with_the_reason(world: World) -> None:
    looked(world, Examiner(world.store, fault="heldout.csv lacks the column 'x', which wine:2 takes"))
    assert world.state == "rejected"
    assert world.reason == (
        "rejected: wine:2 could not be tested: heldout.csv lacks the column 'x', which wine:2 takes"
    )


def test_a_test_on_other_rows_does_not_count_where_the_plan_names_them(store: Store, release: Make) -> None:
    add(store)
    assert standing(store, release(plan=OWN))[0] == "passed"
    other = msgspec.structs.replace(OWN, test_data=msgspec.structs.replace(DATA, sha256="e"))
    assert standing(store, release(plan=other)) == (
        "missing",
        "wine:2 has no application test yet: it is tested on heldout.csv",
    )


def test_a_test_that_takes_every_controller_with_it_is_not_begun_for_ever(world: World) -> None:
    world.releases = Releases(world.store, world.clock, lambda _: "d")
    world.start(OWN)
    hanging = Examiner(world.store)
    begun = [OwnTests(hanging.run) for _ in range(16)]
    for tests in begun:
        world.controller = ReleaseController(world.store, world.rows, world.clock, Preparation(world.store, tests))
        world.look()
    hanging.go.set()
    for tests in begun:
        tests.join(world.release, 10)
    assert world.state == "rejected"
    assert "it was begun 12 times and never came to an end" in world.reason


def test_a_plan_that_names_rows_asks_for_the_test(world: World, key: Key) -> None:
    with pytest.raises(InvalidInputError, match="test_data: only with require_test"):
        Releases(world.store, world.clock, lambda _: "d").start(
            "wine", "wine:2", plan=msgspec.structs.replace(OWN, require_test=False), actor=key
        )


def test_a_server_that_keeps_no_files_says_so(world: World) -> None:
    with pytest.raises(InvalidInputError, match="this server keeps no held-out files"):
        world.start(OWN)
