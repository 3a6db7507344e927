"""What is seen after a promotion, and what comes of it."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from tests.unit.releases.world import NOW, PLAN, World

from interlock.domain.access import Key
from interlock.domain.evidence import StepCounts
from interlock.domain.release import Decision, Gate, Watch
from interlock.releases import watch
from interlock.releases.evidence import Evidence
from interlock.store import Store

Make = Callable[..., Evidence]
Counts = Callable[..., StepCounts]

WATCH = Watch(until=NOW, step=2, promotion=Decision(outcome="promote", reason="good", at=NOW))


@pytest.fixture
def world(store: Store, key: Key) -> World:
    return World(store, NOW, key)


@pytest.fixture
def promoted(world: World) -> World:
    """One whose candidate has won."""
    world.start()
    for number in range(12):
        world.traffic(600)
        world.label(200 * (number + 1), error=0.0)
        world.look()
    assert (world.state, world.release.is_watched) == ("promoted", True)
    return world


def watched(world: World) -> Watch:
    assert world.release.watch is not None
    return world.release.watch


def said(world: World) -> str:
    decision = watched(world).decision
    assert decision is not None
    return decision.reason


def test_a_promotion_that_does_no_harm_is_kept_when_its_time_is_over(promoted: World) -> None:
    for _ in range(5):
        promoted.traffic(2000, champion_fails=0.01)
        promoted.look()
    assert said(promoted).startswith("watched until 2026-01-02 00:00 UTC: errors after the promotion ")
    promoted.look(24 * 3600)
    assert (promoted.state, promoted.plan.champion, promoted.plan.release_id) == ("promoted", "wine:2", None)
    assert said(promoted).startswith("kept: no harm seen in 24 hours: errors after the promotion ")
    assert promoted.reason.startswith("promoted: ")


def test_worse_answers_after_the_promotion_roll_back(promoted: World) -> None:
    promoted.label_after(4000, error=1.5)
    promoted.look()
    assert (promoted.state, promoted.plan.champion) == ("rolled_back", "wine:1")
    assert promoted.reason.startswith("rolled back to wine:1: Brier score 0.")
    assert "% worse" in promoted.reason
    quality = {gate.metric: gate for gate in watched(promoted).gates}["quality_after.brier"]
    assert (quality.outcome, quality.lower is not None and quality.lower > 0) == ("breach", True)
    with promoted.store.read() as tx:
        entry = tx.audit.list(limit=1)[0]
        assert (entry.action, entry.details["gates"][1]["outcome"]) == ("release.roll_back", "breach")
        assert tx.audit.verify().ok


def test_better_answers_after_the_promotion_change_nothing(promoted: World) -> None:
    promoted.label_after(4000, error=0.0)
    promoted.look()
    assert (promoted.state, promoted.release.is_watched) == ("promoted", True)


def test_failures_after_the_promotion_roll_back(promoted: World) -> None:
    promoted.traffic(1000, champion_fails=0.2)
    promoted.look()
    assert (promoted.state, promoted.plan.champion) == ("rolled_back", "wine:1")
    assert "against 0 % of wine:1 before it, surely over 1 %, with 95 % confidence" in promoted.reason
    assert promoted.reason.endswith("requests since wine:2 was promoted")


def test_a_watch_that_was_seen_by_a_controller_that_died_goes_on(promoted: World) -> None:
    promoted.traffic(2000, champion_fails=0.01)
    promoted.look()
    promoted.controller = promoted.new_controller()
    promoted.label_after(4000, error=1.5)
    promoted.look()
    assert promoted.state == "rolled_back"


def test_the_winner_of_a_test_of_arms_is_watched_too(world: World) -> None:
    plan = msgspec.structs.replace(PLAN, steps=(), reward="sold", promote_winner=True)
    world.start(plan, "ab_test")
    world.look()
    for _ in range(20):
        world.earn(2000, {"wine:1": 0.2, "wine:2": 0.5})
        world.traffic(2000)
        world.look(61)
    assert (world.state, world.release.is_watched) == ("promoted", True)
    world.label_after(4000, error=1.5)
    world.look()
    assert (world.state, world.plan.champion) == ("rolled_back", "wine:1")


def test_the_next_release_starts_while_the_last_is_watched(promoted: World, key: Key) -> None:
    promoted.releases.start("wine", "wine:3", plan=PLAN, actor=key)
    assert said(promoted) == "the promotion of wine:2 is watched no more: release wine-2 of wine:3 has started"
    promoted.look()
    assert promoted.plan.challenger == "wine:3"


def gate(evidence: Make, counts: Sequence[StepCounts], **changes: Any) -> Gate:
    return watch.errors_gate(evidence(counts, state="promoted", watch=WATCH, **changes))


def test_failures_are_held_against_those_of_the_champion_before(evidence: Make, counts: Counts) -> None:
    # The champion failed 5 % of its requests: 5 % are no harm, 15 % are.
    before = [counts(0, False, 2000, 100), counts(1, False, 1000, 50), counts(0, True, 900, 900)]
    same, worse = (gate(evidence, [*before, counts(2, False, 2000, failed)]) for failed in (100, 300))
    assert (same.outcome, same.counts) == ("ok", {"champion": 3000, "challenger": 2000})
    assert worse.outcome == "breach"
    assert worse.lower is not None
    assert 1 < worse.lower < 3


def test_failures_that_the_plan_allows_are_no_harm(evidence: Make, counts: Counts) -> None:
    found = gate(evidence, [counts(0, False, 20_000, 0), counts(2, False, 20_000, 150)])
    assert found.outcome == "ok"


def test_where_the_champion_served_nobody_failures_are_not_compared(evidence: Make, counts: Counts) -> None:
    found = gate(evidence, [counts(2, False, 2000, 900)])
    assert found.outcome == "not_comparable"
    assert "wine:1 served too few in the release to compare with" in found.reason


def test_rows_of_before_the_promotion_are_not_looked_at(paired: Callable[..., pa.Table]) -> None:
    rows = paired([0, 1], [[1.0, 0.0]] * 2, [[0.0, 1.0]] * 2)
    assert watch.turned(rows, 2).num_rows == 0
    turned = watch.turned(rows, 0)
    assert turned["challenger.probabilities"].to_pylist() == [[1.0, 0.0]] * 2
    assert set(turned.column_names) == set(rows.column_names)


@pytest.mark.slow
def test_a_version_that_fails_as_before_is_rarely_taken_back(evidence: Make, counts: Counts) -> None:
    rng = np.random.default_rng(0)
    ends = 0
    for _ in range(300):
        rate = rng.uniform(0.01, 0.1)
        before = counts(0, False, 3000, int(rng.binomial(3000, rate)))
        failed = 0
        for look in range(1, 30):
            failed += int(rng.binomial(200, rate))
            if gate(evidence, [before, counts(2, False, 200 * look, failed)]).outcome == "breach":
                ends += 1
                break
    # At most 1.25 % each, the gate's share of alpha: eight in 300 would happen in 4 % of all worlds.
    assert ends <= 7
