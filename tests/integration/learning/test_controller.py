"""The controller over real runs in processes of their own: killed, cancelled, found again."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from interlock import bootstrap
from interlock.domain.run import Run
from interlock.learning.controller import RetrainingController
from interlock.process.handover import VARIABLE, encode
from interlock.process.retraining import start_run

if TYPE_CHECKING:
    from tests.integration.learning.conftest import World

SLOW = "import time\ncontext.progress(0.3, 'waiting')\ntime.sleep(3600)"


@pytest.fixture
def controller(world: "World", monkeypatch: pytest.MonkeyPatch) -> RetrainingController:
    monkeypatch.setenv(VARIABLE, encode(world.settings))
    return bootstrap.build_retraining_controller(world.settings, start_run)


def _until(world: "World", controller: RetrainingController, id: str, good: Callable[[Run], bool]) -> Run:
    ends = time.monotonic() + 120
    while not good(run := world.runs.get(id)):
        assert time.monotonic() < ends, run
        controller.step()
        time.sleep(0.1)
    return run


def _ended(run: Run) -> bool:
    return run.has_ended


def _waiting(run: Run) -> bool:
    return run.told == "waiting"


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_run_ends_in_the_release_of_its_version_by_who_asked_for_it(
    world: "World", controller: RetrainingController
) -> None:
    world.declare(release={"strategy": "shadow", "plan": {"min_labels": 500, "require_approval": True}})
    id = world.runs.ask("flights", world.actor).id
    run = _until(world, controller, id, _ended)
    assert (run.state, run.version) == ("released", "flights:2"), run.reason
    assert run.release_id is not None
    with world.store.read() as tx:
        release = tx.releases.get(run.release_id)
    assert (release.candidate, release.strategy, release.state) == ("flights:2", "shadow", "draft")
    assert (release.plan.min_labels, release.created_by) == (500, world.actor.name)
    assert world.champion() == "flights:1"


def test_a_version_that_nobody_wants_released_is_kept(world: "World", controller: RetrainingController) -> None:
    world.declare()
    run = _until(world, controller, world.runs.ask("flights", world.actor, release=False).id, _ended)
    assert (run.state, run.version, run.release_id) == ("kept", "flights:2", None)
    assert "interlock release start flights --candidate flights:2" in run.reason


def test_a_run_is_cancelled_with_its_trainer(world: "World", controller: RetrainingController) -> None:
    world.trainer(SLOW)
    id = world.runs.ask("flights", world.actor).id
    run = _until(world, controller, id, _waiting)
    assert (run.progress, run.stage) == (0.3, "training")
    assert controller._process is not None
    trainers = _children(controller._process.pid)
    assert len(trainers) == 1
    world.runs.cancel(id, world.actor)
    run = _until(world, controller, id, _ended)
    assert (run.state, run.reason) == ("cancelled", f"cancelled by {world.actor.name}")
    assert not [pid for pid in trainers if Path(f"/proc/{pid}/cmdline").exists() and _is_trainer(pid)]
    assert world.versions() == ["flights:1"]


def _is_trainer(pid: int) -> bool:
    try:
        return b"trainer_process" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return False


def test_a_run_whose_process_is_killed_fails_and_the_next_one_may_begin(
    world: "World", controller: RetrainingController
) -> None:
    world.trainer(SLOW)
    id = world.runs.ask("flights", world.actor).id
    _until(world, controller, id, _waiting)
    assert controller._process is not None
    os.kill(controller._process.pid, signal.SIGKILL)
    run = _until(world, controller, id, _ended)
    assert run.state == "failed"
    assert "its process ended (signal 9)" in run.reason
    assert f"interlock run rerun {id}" in run.reason
    assert world.versions() == ["flights:1"]
    world.declare()
    again = world.runs.ask("flights", world.actor, release=False)
    assert _until(world, controller, again.id, _ended).state == "kept"
    with world.store.read() as tx:
        assert [pin.name for pin in tx.pins.list("flights")] == ["run-2"]


def test_a_server_that_dies_in_the_middle_begins_the_run_once_more_from_the_same_pin(
    world: "World", controller: RetrainingController
) -> None:
    world.trainer(SLOW)
    id = world.runs.ask("flights", world.actor).id
    first = _until(world, controller, id, _waiting)
    controller.close()
    second = bootstrap.build_retraining_controller(world.settings, start_run)
    again = _until(world, second, id, lambda run: run.attempt == 2 and _waiting(run))
    assert again.pin == first.pin == "run-1"
    second.close()
    third = bootstrap.build_retraining_controller(world.settings, start_run)
    ended = _until(world, third, id, _ended)
    assert ended.state == "interrupted"
    assert world.versions() == ["flights:1"]


def test_what_was_registered_when_the_server_died_goes_on_to_its_release_once(
    world: "World", controller: RetrainingController
) -> None:
    world.declare(release={"strategy": "shadow"})
    run = world.perform()
    assert run.state == "registered", run.reason
    controller._release(run)
    released = world.runs.get(run.id)
    assert released.state == "released"
    # Dead between the release and its note: the release is found, and not started twice.
    with world.store.transaction() as tx:
        tx.runs.update(run)
    controller.step()
    assert world.runs.get(run.id).release_id == released.release_id
    with world.store.read() as tx:
        assert len(tx.releases.list("flights")) == 1
