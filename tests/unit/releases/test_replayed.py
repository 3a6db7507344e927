"""A release that asks for a replay: what its report must show, and what comes of replays that fail or are lost."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from tests.unit.releases.world import NOW, PLAN, World

from interlock.domain.access import Key
from interlock.domain.errors import ConflictError, InvalidInputError, OverloadedError
from interlock.domain.release import ReplayStep
from interlock.domain.replay import Agreement, Quality, Replay, ReplayReport, RowsWithReason
from interlock.releases import road
from interlock.releases.controller import ReleaseController
from interlock.releases.preparation import Preparation
from interlock.releases.replayed import ACTOR, judge
from interlock.releases.road import Mover
from interlock.store import Store

STEP = ReplayStep(hours=24, limit=5000)
ASKING = msgspec.structs.replace(PLAN, replay=STEP)


def quality(lower: float | None, upper: float | None) -> Quality:
    return Quality(
        loss="brier", rows=900, units=900, champion_loss=0.2, candidate_loss=0.2, difference=0.0, lower=lower,
        upper=upper, alpha=0.05, coverage=1.0, newest_coverage=1.0, verdict="not_sure", reason="Brier score said so",
    )  # fmt: skip


def report(scored: int = 1000, failed: int = 0, refused: int = 0, **more: Any) -> ReplayReport:
    agreement = more.pop("agreement", Agreement(rows=scored, same_share=0.9))
    return ReplayReport(
        rows=scored + failed + refused,
        scored=scored,
        failed=RowsWithReason(rows=failed),
        refused=RowsWithReason(rows=refused),
        withheld=RowsWithReason(),
        agreement=agreement,
        **more,
    )


@pytest.mark.parametrize(
    ("step", "found", "said"),
    [
        (STEP, report(), ""),
        (STEP, report(scored=20), "20 of at least 100 rows could be scored"),
        (STEP, report(scored=0), "0 of at least 100 rows could be scored"),
        (STEP, report(scored=950, failed=50), "it failed on 5 % of the rows, may be 1 %"),
        (STEP, report(scored=950, refused=50), "its contract refuses 5 % of the rows, may be 1 %"),
        (ReplayStep(min_agreement=0.95), report(), "agrees with the champion on 90 % of the rows, must be 95 %"),
        (ReplayStep(min_agreement=0.95), report(agreement=Agreement()), "cannot be compared, must be 95 %"),
        (STEP, report(quality=quality(0.01, 0.03)), "Brier score said so, by more than 0 %"),
        (STEP, report(quality=quality(-0.01, 0.03)), ""),
        (ReplayStep(max_quality_loss=0.1), report(quality=quality(0.01, 0.03)), ""),
        (ReplayStep(require_quality=True), report(), "quality is not decided: no labels are known"),
        (
            ReplayStep(require_quality=True, max_quality_loss=0.1),
            report(quality=quality(0.01, 0.03)),
            "Brier score said so; it is not sure to be at most 10 % worse",
        ),
        (ReplayStep(require_quality=True, max_quality_loss=0.1), report(quality=quality(0.0, 0.02)), ""),
        (ReplayStep(require_quality=True), report(quality=quality(None, None)), "quality is not decided: Brier"),
    ],
)
def test_what_a_replay_must_show(step: ReplayStep, found: ReplayReport, said: str) -> None:
    faults = "; ".join(judge(step, found))
    assert faults.startswith(said) if said else faults == ""


class Past:
    """Stands where the replay's process does: a replay is stored, and ends as it is told to."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.asked: list[tuple[str, datetime, int | None]] = []
        self.refuses: Exception | None = None

    def start(self, endpoint: str, candidate: str, since: datetime, limit: int | None) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.asked.append((candidate, since, limit))
        at = self.world.now
        replay = Replay(
            id=f"{endpoint}-replay-{len(self.asked)}", endpoint=endpoint, candidate=candidate, champion="wine:1",
            state="running", created_at=at, created_by=ACTOR, heard_at=at, total=900,
        )  # fmt: skip
        with self.world.store.transaction() as tx:
            tx.replays.add(replay)

    def end(self, **what: Any) -> None:
        with self.world.store.transaction() as tx:
            name = f"wine-replay-{len(self.asked)}"
            tx.replays.change(name, lambda one: msgspec.structs.replace(one, **what))
        self.world.look()


@pytest.fixture
def world(store: Store, now: datetime, key: Key) -> World:
    return World(store, now, key)


@pytest.fixture
def past(world: World) -> Past:
    """A release that waits for its replay."""
    past = Past(world)
    world.controller = ReleaseController(
        world.store, world.rows, world.clock, Preparation(world.store, replay=past.start)
    )
    world.start(ASKING)
    for _ in range(3):
        world.look()
    assert past.asked == [("wine:2", NOW - timedelta(hours=24), 5000)]
    assert (world.state, world.plan.challenger) == ("testing", None)
    assert world.reason == "replay wine-replay-1 of wine:2 is at row 0 of 900"
    return past


def test_a_candidate_that_passes_its_replay_begins(world: World, past: Past) -> None:
    past.end(state="done", report=report())
    assert (world.state, world.plan.challenger) == ("running", "wine:2")


def test_a_candidate_that_does_not_is_rejected_with_the_reasons(world: World, past: Past) -> None:
    past.end(state="done", report=report(scored=900, failed=100))
    assert world.state == "rejected"
    assert world.reason == (
        "rejected: replay wine-replay-1 of wine:2 did not pass: it failed on 10 % of the rows, may be 1 %"
    )


def test_a_replay_that_breaks_rejects(world: World, past: Past) -> None:
    past.end(state="failed", error="it hangs on every row")
    assert (world.state, world.reason) == (
        "rejected",
        "rejected: replay wine-replay-1 of wine:2 was failed: it hangs on every row",
    )


def test_a_replay_whose_process_is_lost_is_begun_again_and_not_for_ever(world: World, past: Past) -> None:
    for _ in range(2):
        past.end(state="failed", error="its process ended; start it again")
        world.look()
        assert world.state == "testing"
    assert len(past.asked) == 3
    past.end(state="failed", error="its process ended; start it again")
    assert world.state == "rejected"


def test_a_busy_server_is_waited_for(world: World, past: Past) -> None:
    past.refuses = OverloadedError("2 replays are running already")
    past.end(state="failed", error="its process ended; start it again")
    assert (world.state, world.reason) == ("testing", "wine:2 waits for its replay: 2 replays are running already")


def test_what_cannot_be_replayed_is_rejected(world: World, past: Past) -> None:
    past.refuses = ConflictError("a privacy rule keeps input.x out of the log")
    past.end(state="failed", error="its process ended; start it again")
    assert world.reason == "rejected: wine:2 could not be replayed: a privacy rule keeps input.x out of the log"


def test_nothing_begins_before_its_replay(world: World, past: Past) -> None:
    with pytest.raises(ConflictError, match="asks for a replay: replay wine-replay-1"), world.store.transaction() as tx:
        road.begin(tx, world.release, Mover("ann", "operator", world.now, "in a hurry"))


def test_impossible_bounds_are_named(world: World, key: Key) -> None:
    plan = msgspec.structs.replace(PLAN, replay=ReplayStep(hours=0, min_agreement=2))
    with pytest.raises(InvalidInputError) as caught:
        world.releases.start("wine", "wine:2", plan=plan, actor=key)
    assert caught.value.faults == (
        "replay.min_agreement == 2, must be a share from 0 to 1",
        "replay.hours == 0, is too small",
    )
