"""One test per letter of the diagram in `road`, and what holds for all."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
import pytest
from tests.unit.releases.world import application_test

from interlock.domain.errors import ConflictError
from interlock.domain.release import Release, ReleasePlan, ReleaseState
from interlock.domain.traffic import TrafficPlan
from interlock.releases import champions, road
from interlock.releases.road import Mover
from interlock.store import Store

Make = Callable[..., Release]


@pytest.fixture
def mover(now: datetime) -> Mover:
    return Mover("ann", "operator", now, "because")


@pytest.fixture
def draft(store: Store, release: Make, mover: Mover) -> Release:
    with store.transaction() as tx:
        return road.start(tx, release(state="draft"), mover)


@pytest.fixture
def running(store: Store, draft: Release, mover: Mover) -> Release:
    with store.transaction() as tx:
        return road.begin(tx, draft, mover)


def now_at(store: Store) -> tuple[Release, TrafficPlan]:
    with store.read() as tx:
        return tx.releases.get("wine-1"), tx.plans.current("wine")


def test_a_start_has_the_candidate_loaded_without_traffic(store: Store, draft: Release) -> None:
    release, plan = now_at(store)
    assert release == draft
    assert (plan.generation, plan.champion, plan.challenger, plan.warm) == (2, "wine:1", None, ("wine:2",))
    assert plan.traffic_share == release.traffic_share == 0


def test_b_begin_gives_the_first_share(store: Store, running: Release, now: datetime) -> None:
    release, plan = now_at(store)
    assert (release.state, release.step, release.step_started_at) == ("running", 0, now)
    assert (plan.generation, plan.challenger, plan.traffic_share, plan.warm) == (3, "wine:2", 0.1, ())
    assert (plan.release_id, plan.step, plan.salt) == ("wine-1", 0, "s")


def test_c_advance_gives_the_next_share(store: Store, running: Release, mover: Mover) -> None:
    with store.transaction() as tx:
        road.advance(tx, running, mover)
    release, plan = now_at(store)
    assert (release.state, release.step, release.traffic_share) == ("running", 1, 0.5)
    assert (plan.traffic_share, plan.step, plan.salt) == (0.5, 1, "s")


def test_c_advance_ends_at_the_last_gated_step(store: Store, running: Release, mover: Mover) -> None:
    with store.transaction() as tx:
        last = road.advance(tx, running, mover)
        with pytest.raises(ConflictError, match="last gated step"):
            road.advance(tx, last, mover)


@pytest.mark.parametrize("is_paused", [False, True])
def test_d_promotion_makes_the_candidate_champion(
    store: Store, running: Release, mover: Mover, is_paused: bool
) -> None:
    with store.transaction() as tx:
        road.promote(tx, road.pause(tx, running, mover) if is_paused else running, mover)
    release, plan = now_at(store)
    assert (release.state, release.traffic_share, release.finished_at) == ("promoted", 1.0, mover.at)
    assert (plan.champion, plan.challenger, plan.warm, plan.release_id) == ("wine:2", None, ("wine:1",), "wine-1")
    assert (plan.step, release.is_watched) == (2, True)
    assert plan.traffic_share == 0


@pytest.fixture
def promoted(store: Store, running: Release, mover: Mover) -> Release:
    with store.transaction() as tx:
        return road.promote(tx, running, mover)


def test_d_nothing_is_watched_where_the_plan_says_so(store: Store, release: Make, mover: Mover) -> None:
    plan = ReleasePlan(steps=(0.1, 1.0), watch_hours=0)
    with store.transaction() as tx:
        promoted = road.promote(
            tx, road.begin(tx, road.start(tx, release(state="draft", plan=plan), mover), mover), mover
        )
        assert (promoted.watch, tx.plans.current("wine").release_id, tx.releases.watched()) == (None, None, [])


def test_r_harm_after_the_promotion_gives_everything_back(store: Store, promoted: Release, mover: Mover) -> None:
    with store.read() as tx:
        assert tx.releases.watched() == [promoted]
    harm = replace(mover, reason="it is worse")
    with store.transaction() as tx:
        road.take_back(tx, promoted, harm)
    release, plan = now_at(store)
    assert (release.state, release.traffic_share) == ("rolled_back", 0.0)
    assert (plan.champion, plan.challenger, plan.warm, plan.release_id) == ("wine:1", None, (), None)
    assert release.watch is not None
    assert (release.watch.outcome, release.watch.promotion.reason) == ("rolled_back", "because")
    assert release.decision == release.watch.decision
    no_more = "rolled_back, and its promotion is watched no more"
    with pytest.raises(ConflictError, match=no_more), store.transaction() as tx:
        road.take_back(tx, release, harm)


def test_s_what_did_no_harm_in_time_is_kept(store: Store, promoted: Release, mover: Mover) -> None:
    with store.transaction() as tx:
        road.keep(tx, promoted, replace(mover, reason="no harm"))
    release, plan = now_at(store)
    assert (release.state, release.is_watched, release.decision) == ("promoted", False, promoted.decision)
    assert release.watch is not None
    assert (release.watch.outcome, release.watch.decision and release.watch.decision.reason) == ("kept", "no harm")
    assert (plan.champion, plan.warm, plan.release_id, plan.step) == ("wine:2", ("wine:1",), None, None)


def test_t_the_next_release_ends_the_watch(store: Store, promoted: Release, release: Make, mover: Mover) -> None:
    with store.transaction() as tx:
        road.start(tx, release(id="wine-2", state="draft", candidate="wine:3", champion="wine:2"), mover)
        assert tx.releases.watched() == []
        assert tx.audit.list(limit=2)[1].action == "release.end_watch"
    release_, plan = now_at(store)
    assert release_.watch is not None
    assert (release_.state, release_.watch.outcome, plan.release_id) == ("promoted", "ended", None)
    assert plan.warm == ("wine:3", "wine:1")
    with pytest.raises(ConflictError, match="watched no more"), store.transaction() as tx:
        road.take_back(tx, promoted, mover)


def test_t_who_goes_back_by_hand_ends_the_watch(store: Store, promoted: Release, mover: Mover) -> None:
    with store.transaction() as tx:
        plan = champions.go_back(tx, "wine", None, mover)
    assert (plan.champion, plan.release_id, now_at(store)[0].is_watched) == ("wine:1", None, False)


def test_e_pause_keeps_the_traffic(store: Store, running: Release, mover: Mover) -> None:
    before = now_at(store)[1]
    with store.transaction() as tx:
        road.pause(tx, running, mover)
    release, plan = now_at(store)
    assert (release.state, release.traffic_share) == ("paused", 0.1)
    assert plan == before


def test_f_resume_runs_again(store: Store, running: Release, mover: Mover) -> None:
    with store.transaction() as tx:
        road.resume(tx, road.pause(tx, running, mover), mover)
    assert now_at(store)[0].state == "running"


@pytest.mark.parametrize("is_paused", [False, True])
def test_g_rollback_takes_all_traffic_in_one_plan(
    store: Store, running: Release, mover: Mover, is_paused: bool
) -> None:
    generation = now_at(store)[1].generation
    with store.transaction() as tx:
        road.roll_back(tx, road.pause(tx, running, mover) if is_paused else running, mover)
    release, plan = now_at(store)
    assert (release.state, release.traffic_share) == ("rolled_back", 0.0)
    assert release.decision is not None
    assert (release.decision.outcome, release.decision.reason) == ("roll_back", "because")
    assert (plan.generation, plan.champion, plan.challenger) == (generation + 1, "wine:1", None)
    assert plan.versions == ("wine:1",)


def test_h_a_draft_that_cannot_be_loaded_is_rolled_back(store: Store, draft: Release, mover: Mover) -> None:
    with store.transaction() as tx:
        road.roll_back(tx, draft, mover)
    release, plan = now_at(store)
    assert release.state == "rolled_back"
    assert plan.versions == ("wine:1",)


def test_i_a_draft_is_cancelled(store: Store, draft: Release, mover: Mover) -> None:
    with store.transaction() as tx:
        road.cancel(tx, draft, mover)
    release, plan = now_at(store)
    assert release.state == "cancelled"
    assert plan.versions == ("wine:1",)


def asking(**changes: Any) -> ReleasePlan:
    return ReleasePlan(steps=(0.1, 0.5, 1.0), require_approval=True, **changes)


@pytest.fixture
def bob(now: datetime) -> Mover:
    return Mover("bob", "approver", now, "read it")


@pytest.fixture
def waiting(store: Store, release: Make, mover: Mover) -> Release:
    with store.transaction() as tx:
        return road.ask(tx, road.start(tx, release(state="draft", plan=asking()), mover), mover)


def test_j_a_release_awaits_approval_before_it_gets_traffic(store: Store, waiting: Release, mover: Mover) -> None:
    release, plan = now_at(store)
    assert (release.state, release.traffic_share, plan.challenger) == ("awaiting_approval", 0.0, None)
    for move in (road.begin, road.promote):
        with pytest.raises(ConflictError, match="of somebody else than ann"), store.transaction() as tx:
            move(tx, waiting, mover)


def test_k_somebody_else_approves_and_it_begins(store: Store, waiting: Release, mover: Mover, bob: Mover) -> None:
    with pytest.raises(ConflictError, match="started by ann, and somebody else must"), store.transaction() as tx:
        road.approve(tx, waiting, mover)
    with store.transaction() as tx:
        road.approve(tx, waiting, bob)
    release, plan = now_at(store)
    assert (release.state, release.approved_by, plan.traffic_share) == ("running", "bob", 0.1)


def test_k_nobody_approves_with_another_key_of_their_own(store: Store, release: Make, now: datetime) -> None:
    ann = Mover("ann-ci", "operator", now, "because", owner="ann")
    for_approval = Mover("ann", "approver", now, "read it", owner="ann")
    with store.transaction() as tx:
        draft = release(state="draft", plan=asking(), created_by="ann-ci", owner="ann")
        waiting = road.ask(tx, road.start(tx, draft, ann), ann)
    with pytest.raises(ConflictError, match="started by ann-ci, a key of ann too, and"), store.transaction() as tx:
        road.approve(tx, waiting, for_approval)
    with pytest.raises(ConflictError, match="needs the approval"), store.transaction() as tx:
        road.promote(tx, waiting, for_approval)


def test_k_a_shadow_that_is_approved_becomes_the_champion(
    store: Store, release: Make, mover: Mover, bob: Mover
) -> None:
    plan = ReleasePlan(steps=(0.0, 1.0), require_approval=True)
    with store.transaction() as tx:
        running = road.begin(tx, road.start(tx, release(state="draft", strategy="shadow", plan=plan), mover), mover)
        assert (running.traffic_share, tx.plans.current("wine").traffic_share) == (0.0, 0.0)
        road.approve(tx, road.ask(tx, running, mover), bob)
    assert (now_at(store)[0].state, now_at(store)[1].champion) == ("promoted", "wine:2")


def test_k_who_promotes_by_hand_has_approved(store: Store, release: Make, mover: Mover, bob: Mover) -> None:
    plan = ReleasePlan(steps=(0.0, 1.0), require_approval=True)
    with store.transaction() as tx:
        running = road.begin(tx, road.start(tx, release(state="draft", strategy="shadow", plan=plan), mover), mover)
        with pytest.raises(ConflictError, match="needs the approval"):
            road.promote(tx, running, mover)
        assert road.promote(tx, running, bob).approved_by == "bob"


def test_k_an_operator_cannot_approve_by_promoting(store: Store, waiting: Release, now: datetime) -> None:
    with pytest.raises(ConflictError, match="needs the approval"), store.transaction() as tx:
        road.promote(tx, waiting, Mover("carl", "operator", now, "quick"))


def test_l_a_rejected_release_is_over(store: Store, waiting: Release, bob: Mover) -> None:
    with store.transaction() as tx:
        road.reject(tx, waiting, bob)
    release, plan = now_at(store)
    assert (release.state, plan.versions) == ("rejected", ("wine:1",))


def test_m_an_undecided_step_keeps_its_traffic_until_a_person_decides(
    store: Store, running: Release, mover: Mover
) -> None:
    before = now_at(store)[1]
    with store.transaction() as tx:
        held = road.hold(tx, running, mover)
    assert (held.state, held.traffic_share, now_at(store)[1]) == ("inconclusive", 0.1, before)
    with store.transaction() as tx:
        assert road.resume(tx, held, mover).state == "running"


@pytest.fixture
def testing(store: Store, release: Make, mover: Mover) -> Release:
    """A release whose plan asks for a test that nobody has run."""
    plan = ReleasePlan(steps=(0.1, 0.5, 1.0), require_test=True)
    with store.transaction() as tx:
        return road.await_test(tx, road.start(tx, release(state="draft", plan=plan), mover), mover)


def test_n_a_release_waits_for_its_test_without_traffic(store: Store, testing: Release, mover: Mover) -> None:
    release, plan = now_at(store)
    assert (release.state, release.traffic_share, plan.challenger, plan.warm) == ("testing", 0.0, None, ("wine:2",))
    for move in (road.begin, road.ask):
        with pytest.raises(ConflictError, match="asks for an application test"), store.transaction() as tx:
            move(tx, testing, mover)
    assert now_at(store) == (release, plan)


def test_n_a_draft_does_not_begin_past_its_test(store: Store, release: Make, mover: Mover) -> None:
    plan = ReleasePlan(steps=(0.1, 0.5, 1.0), require_test=True)
    with store.transaction() as tx:
        draft = road.start(tx, release(state="draft", plan=plan), mover)
        with pytest.raises(ConflictError, match="asks for an application test"):
            road.begin(tx, draft, mover)


@pytest.mark.parametrize(("move", "state"), [("begin", "running"), ("ask", "awaiting_approval")])
def test_b_and_j_go_on_from_testing_once_it_has_passed(
    store: Store, testing: Release, mover: Mover, move: str, state: str
) -> None:
    with store.transaction() as tx:
        tx.application_tests.add(application_test())
        assert getattr(road, move)(tx, testing, mover).state == state


def test_o_a_release_that_fails_its_test_is_rejected(store: Store, testing: Release, mover: Mover) -> None:
    with store.transaction() as tx:
        road.fail(tx, testing, mover)
    release, plan = now_at(store)
    assert (release.state, plan.versions, release.finished_at) == ("rejected", ("wine:1",), mover.at)


_FROM: dict[str, tuple[ReleaseState, ...]] = {
    "begin": ("draft", "testing", "awaiting_approval"),
    "await_test": ("draft",),
    "fail": ("testing",),
    "ask": ("draft", "testing", "running"),
    "approve": ("awaiting_approval",),
    "reject": ("awaiting_approval",),
    "advance": ("running",),
    "promote": ("running", "paused", "inconclusive", "awaiting_approval"),
    "pause": ("running",),
    "hold": ("running",),
    "resume": ("paused", "inconclusive"),
    "roll_back": ("draft", "testing", "awaiting_approval", "running", "paused", "inconclusive"),
    "cancel": ("draft", "testing", "awaiting_approval"),
}
_STATES: list[ReleaseState] = [
    "draft", "testing", "awaiting_approval", "running", "paused", "inconclusive",
    "promoted", "rolled_back", "rejected", "cancelled",
]  # fmt: skip


@pytest.mark.parametrize("move", _FROM)
@pytest.mark.parametrize("state", _STATES)
def test_no_move_starts_elsewhere(store: Store, running: Release, mover: Mover, move: str, state: ReleaseState) -> None:
    there = msgspec.structs.replace(running, state=state, created_by="somebody else")
    with store.transaction() as tx:
        tx.releases.update(there)
    if state in _FROM[move]:
        with store.transaction() as tx:
            getattr(road, move)(tx, there, mover)
        return
    before = now_at(store)
    with pytest.raises(ConflictError, match=state), store.transaction() as tx:
        getattr(road, move)(tx, there, mover)
    assert now_at(store) == before


def test_a_move_from_a_stale_state_is_refused(store: Store, running: Release, mover: Mover) -> None:
    with store.transaction() as tx:
        road.advance(tx, running, mover)
    with pytest.raises(ConflictError, match="moved meanwhile"), store.transaction() as tx:
        road.promote(tx, running, mover)
    assert now_at(store)[0].state == "running"


def test_every_move_is_audited_with_its_reason(store: Store, running: Release, mover: Mover) -> None:
    with store.transaction() as tx:
        road.roll_back(tx, road.advance(tx, running, mover), mover)
    with store.read() as tx:
        entries = tx.audit.list(subject="wine")
        assert tx.audit.verify().ok
    assert [entry.action for entry in reversed(entries)] == [
        "release.start", "release.begin", "release.advance", "release.roll_back",
    ]  # fmt: skip
    assert all(entry.details["reason"] == "because" and entry.actor == "ann" for entry in entries)
    assert [entry.details["generation"] for entry in reversed(entries)] == [2, 3, 4, 5]


def test_other_warm_versions_stay_warm(store: Store, release: Make, mover: Mover) -> None:
    with store.transaction() as tx:
        tx.plans.append(TrafficPlan(endpoint="wine", generation=2, champion="wine:1", warm=("wine:3", "wine:2")))
        draft = road.start(tx, release(state="draft"), mover)
        assert tx.plans.current("wine").warm == ("wine:2", "wine:3")
        running = road.begin(tx, draft, mover)
        road.roll_back(tx, running, mover)
        assert tx.plans.current("wine").warm == ("wine:3",)


def test_a_release_of_a_deleted_endpoint_can_end(store: Store, running: Release, mover: Mover) -> None:
    with store.transaction() as tx:
        tx.plans.remove("wine")
        road.roll_back(tx, running, mover)
        assert tx.releases.get("wine-1").state == "rolled_back"
        assert tx.plans.all_current() == []
