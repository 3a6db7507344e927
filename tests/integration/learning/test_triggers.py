"""Triggers on a real store, with a clock that the test turns."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from interlock.domain.contract import Contract
from interlock.domain.endpoint import Endpoint
from interlock.domain.model import ModelVersion
from interlock.domain.retraining import Retraining, parse
from interlock.domain.run import Run
from interlock.domain.traffic import TrafficPlan
from interlock.domain.verdict import Check, Signal, Verdict
from interlock.learning import run_road, triggers
from interlock.learning.actions import act
from interlock.learning.run_road import Mover
from interlock.learning.triggers import Triggers
from interlock.store import Store
from interlock.store.spools import SegmentRows

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday


class World:
    """One endpoint, `e`, whose champion was registered at noon."""

    def __init__(self, store: Store) -> None:
        self.store, self.now, self.segments, self.keeps_process = store, NOON, 0, False
        self.triggers = self.restarted()
        with store.transaction() as tx:
            tx.models.add(_version())
            tx.endpoints.add(Endpoint(name="e", created_at=NOON, created_by="test"))
            tx.plans.append(TrafficPlan(endpoint="e", generation=1, champion="m:1"))

    def restarted(self) -> Triggers:
        return Triggers(self.store, lambda: self.now)

    def declare(self, *, fewest_new_labels: int = 0, cooldown_hours: float = 0, **said: Any) -> None:
        brakes = {"fewest_new_labels": fewest_new_labels, "cooldown_hours": cooldown_hours}
        names = ("per_week", "mode", "release", "trainer", "code")
        options: dict[str, Any] = {name: said.pop(name) for name in names if name in said}
        with self.store.transaction() as tx:
            tx.retrainings.set("e", parse({"triggers": said, **brakes, **options}))
        self.look(hours=0)

    def look(self, **later: float) -> list[str]:
        """Causes of the runs that are asked for when so much time has passed."""
        self.now += timedelta(**later)
        if not self.keeps_process:
            self.triggers = self.restarted()
        return [run.cause for run in self.triggers.step()]

    def labels(self, count: int) -> None:
        self.segments += 1
        with self.store.transaction() as tx:
            tx.spools.advance("gw0", self.segments, {"e": SegmentRows(labels=count)})

    def verdict(self, name: str, signal: Signal, /, **changes: Any) -> None:
        check = Check(name=name, signal=signal, version="m:1", outcome="breach", value=0.6, expected="at least 0.7")
        day = NOON.replace(hour=0)
        verdict = Verdict(
            endpoint="e", window_start=day, window_end=day + timedelta(days=1),
            check=msgspec.structs.replace(check, **changes), at=self.now + timedelta(minutes=1),
        )  # fmt: skip
        with self.store.transaction() as tx:
            tx.verdicts.append([verdict])

    def end_run(self) -> None:
        with self.store.transaction() as tx:
            for run in tx.runs.active():
                run_road.cancel(tx, run, Mover("test", "operator", self.now))

    @property
    def waits(self) -> str:
        with self.store.read() as tx:
            watched = triggers.waits(tx, "e")
        return watched.waits if watched is not None else ""

    @property
    def runs(self) -> list[Run]:
        with self.store.read() as tx:
            return tx.runs.list()


def _version() -> ModelVersion:
    return ModelVersion(
        name="m", version=1, digest="0" * 64, model_format="onnx", serving_digest="0" * 64, serving_format="onnx",
        placement="inline", contract=Contract(inputs=(), outputs=()), created_at=NOON, created_by="test",
    )  # fmt: skip


@pytest.fixture
def world(tmp_path: Any) -> Iterator[World]:
    store = Store.open(f"sqlite:///{tmp_path / 'store.db'}")
    yield World(store)
    store.close()


def test_without_triggers_nothing_starts(world: World) -> None:
    world.declare()
    world.labels(10**6)
    world.verdict("drift.x", "input")
    assert world.look(days=400) == []
    assert world.waits == ""


def test_a_schedule_starts_one_run_at_each_of_its_times(world: World) -> None:
    world.declare(cron="0 3 * * *")
    assert world.look(hours=14) == []
    assert world.look(hours=1) == ["schedule 0 3 * * *"]
    world.end_run()
    assert world.look(hours=23) == []
    assert world.look(hours=2) == ["schedule 0 3 * * *"]


def test_a_time_that_was_slept_through_is_made_up_for_once(world: World) -> None:
    world.declare(cron="0 3 * * *")
    assert world.look(days=5) == ["schedule 0 3 * * *"]
    world.end_run()
    assert world.look(hours=1) == []


def test_hours_count_from_the_last_run_also_by_hand(world: World) -> None:
    world.declare(every_hours=48)
    assert world.look(hours=47) == []
    assert world.look(hours=1) == ["48 hours since the last run"]
    world.end_run()
    assert world.look(hours=47) == []


def test_an_old_champion_is_replaced(world: World) -> None:
    world.declare(max_age_days=30)
    assert world.look(days=29) == []
    assert world.look(days=1) == ["the champion is 30 days old"]


def test_so_many_new_labels_start_a_run(world: World) -> None:
    world.labels(5000)
    world.declare(new_labels=1000)
    world.labels(999)
    assert world.look(hours=1) == []
    world.labels(1)
    assert world.look(hours=1) == ["1000 new labels"]
    world.end_run()
    assert world.look(hours=1) == []


def test_new_training_code_starts_one_run_once_it_has_stood(world: World, tmp_path: Path) -> None:
    file = tmp_path / "learn.py"
    file.write_text("one = 1\n")
    world.keeps_process = True
    world.declare(trainer="python:learn.train", code=str(tmp_path), new_code=True)
    assert [world.look(minutes=1) for _ in range(3)] == [[], [], []]
    file.write_text("one = 2\n")
    assert world.look(seconds=31) == []  # it may be half of a change
    assert world.look(seconds=31) == [f"new training code in {tmp_path}"]
    world.end_run()
    assert [world.look(minutes=1) for _ in range(3)] == [[], [], []]
    file.write_text("one = 1\n")
    (tmp_path / "notes.txt").write_text("no code")
    world.look(minutes=1)
    assert world.look(minutes=1) == [f"new training code in {tmp_path}"]


def test_code_that_changes_while_a_brake_holds_and_back_again_starts_nothing(world: World, tmp_path: Path) -> None:
    file = tmp_path / "learn.py"
    file.write_text("one = 1\n")
    code: dict[str, Any] = {"trainer": "python:learn.train", "code": str(tmp_path), "new_code": True}
    world.keeps_process = True
    world.declare(**code, fewest_new_labels=10)
    world.look(minutes=1)
    file.write_text("one = 2\n")
    assert [world.look(minutes=1) for _ in range(2)] == [[], []]
    assert world.waits == "0 new labels, of 10"
    file.write_text("one = 1\n")
    assert [world.look(minutes=1) for _ in range(2)] == [[], []]
    assert world.waits == ""


def test_drift_and_lost_quality_of_the_champion_start_a_run_once(world: World) -> None:
    world.declare(on_drift=True, on_quality=True)
    world.verdict("drift.temp", "input")
    world.verdict("drift.temp", "input")
    world.verdict("roc_auc", "quality")
    assert world.look(hours=1) == ["drift: drift.temp; quality: roc_auc 0.6, expected at least 0.7"]
    world.end_run()
    assert world.look(hours=1) == []


@pytest.mark.parametrize(
    "changes",
    [{"outcome": "ok"}, {"outcome": "no_data"}, {"version": "m:0"}, {"signal": "service"}, {"name": "missing.x"}],
)
def test_what_is_no_drift_of_the_champion_starts_nothing(world: World, changes: dict[str, Any]) -> None:
    world.declare(on_drift=True)
    world.verdict("drift.temp", "input", **changes)
    assert world.look(hours=1) == []


def test_a_detector_that_saw_the_errors_rise_starts_a_run_where_that_is_declared(world: World) -> None:
    world.declare(on_quality=True)
    world.verdict("concept.adwin", "concept")
    assert world.look(hours=1) == []
    world.declare(on_concept_drift=True)
    world.verdict("concept.adwin", "concept")
    assert world.look(hours=1) == ["concept drift: concept.adwin"]


def test_an_alert_rule_leaves_a_wish_that_is_taken_up_once(world: World) -> None:
    with world.store.transaction() as tx:
        assert "no retraining is declared" in act(tx, "e", "retrain", "accuracy 0.5", world.now)
    world.declare()
    with world.store.transaction() as tx:
        said = act(tx, "e", "retrain", "accuracy 0.5", world.now + timedelta(minutes=1))
    assert said == "retraining was asked for; it begins when cooldown and budget allow"
    assert world.look(hours=1) == ["alert: accuracy 0.5"]
    world.end_run()
    assert world.look(hours=1) == []


def test_a_cause_waits_for_the_cooldown_and_is_not_forgotten(world: World) -> None:
    world.declare(on_drift=True, cooldown_hours=24)
    world.verdict("drift.x", "input")
    assert world.look(hours=1) == ["drift: drift.x"]
    world.end_run()
    world.verdict("drift.y", "input")
    assert world.look(hours=1) == []
    assert world.waits == "cooldown until 2026-03-03 13:00 UTC"
    assert world.look(hours=23) == ["drift: drift.y"]


def test_a_cause_waits_while_a_run_is_active(world: World) -> None:
    world.declare(new_labels=10)
    world.labels(10)
    assert world.look(hours=1) == ["10 new labels"]
    world.labels(10)
    assert world.look(hours=1) == []
    assert world.waits == "run e-run-1 is queued"
    world.end_run()
    assert world.look(hours=1) == ["10 new labels"]


def test_the_budget_of_a_week_counts_what_triggers_started(world: World) -> None:
    world.declare(new_labels=1, per_week=2)
    for expected in (["1 new labels"], ["1 new labels"], []):
        world.labels(1)
        assert world.look(days=1) == expected
        world.end_run()
    assert world.waits == "2 runs in the last week, of 2"
    assert world.look(days=5) == ["1 new labels"]


def test_too_few_new_labels_hold_any_cause_back(world: World) -> None:
    world.declare(on_drift=True, fewest_new_labels=100)
    world.verdict("drift.x", "input")
    world.labels(99)
    assert world.look(hours=1) == []
    assert world.waits == "99 new labels, of 100"
    world.labels(1)
    assert world.look(hours=1) == ["drift: drift.x"]


def test_a_blend_begins_anew_after_drift_and_every_fifth_time(world: World) -> None:
    world.declare(on_drift=True, new_labels=1, mode="blend")
    world.labels(1)
    world.look(hours=1)
    world.end_run()
    world.verdict("drift.x", "input")
    world.look(hours=1)
    assert [run.mode for run in world.runs] == ["fine_tune", "scratch"]


def test_it_acts_as_itself_and_every_ask_is_audited(world: World) -> None:
    world.declare(every_hours=1)
    world.look(hours=2)
    assert [(run.created_by, run.role) for run in world.runs] == [("retraining", "operator")]
    with world.store.read() as tx:
        (entry,) = tx.audit.list()
        assert (entry.action, entry.actor, entry.details["cause"]) == (
            "run.ask",
            "retraining",
            "1 hours since the last run",
        )


def test_what_was_before_the_declaration_wants_nothing(world: World) -> None:
    world.verdict("drift.x", "input")
    world.now += timedelta(days=1)
    world.declare(on_drift=True)
    assert world.look(hours=1) == []


def test_declarations_are_found_again(world: World) -> None:
    world.declare(every_hours=3)
    with world.store.read() as tx:
        assert isinstance(tx.retrainings.get("e"), Retraining)
        assert list(tx.retrainings.list()) == ["e"]
        tx_before = tx.retrainings.get("nobody")
    assert tx_before is None
    with world.store.transaction() as tx:
        tx.endpoints.delete("e")
        assert tx.retrainings.get("e") is None
