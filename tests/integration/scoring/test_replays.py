"""Replays as the control API starts them: a real process, a real store, cancelled, killed and refused."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from interlock.domain.access import Key
from interlock.domain.errors import ConflictError, InvalidInputError, NotFoundError, OverloadedError
from interlock.domain.replay import Replay
from interlock.domain.traffic import TrafficPlan
from interlock.scoring.replays import Places, Replays, Wanted

if TYPE_CHECKING:
    from tests.integration.scoring.conftest import World

ACTOR = Key(name="ann", role="operator", digest="", created_at=datetime(2026, 1, 1, tzinfo=UTC))
WANTED = Wanted(endpoint="e", candidate="m:2")


@pytest.fixture
def replays(world: "World") -> Replays:
    with world.store.transaction() as tx:
        tx.plans.append(TrafficPlan(endpoint="e", generation=1, champion="m:1"))
    url = f"sqlite:///{world.root / 'store.db'}"
    places = Places(url, world.root / "log", world.root / "artifacts")
    return Replays(world.store, places, lambda: datetime.now(UTC))


def wait(replays: Replays, id: str, until: Callable[[Replay], bool], seconds: float = 120.0) -> Replay:
    ends_at = time.monotonic() + seconds
    while not until(found := replays.get("e", id)):
        assert time.monotonic() < ends_at, found
        time.sleep(0.05)
    return found


def has_ended(replay: Replay) -> bool:
    return replay.state != "running"


def test_a_replay_runs_by_itself_and_leaves_its_report(world: "World", replays: Replays) -> None:
    world.predict([1.0, 2.0])
    started = replays.start(WANTED, actor=ACTOR)
    assert (started.id, started.state, started.champion) == ("e-replay-1", "running", "m:1")
    done = wait(replays, started.id, has_ended)
    assert (done.state, done.done, done.total, done.error) == ("done", 2, 2, "")
    assert done.report is not None
    assert done.report.scored == 2
    assert replays.latest("e", "m:2") == done
    assert replays.latest("e", "m:3") is None
    assert [each.id for each in replays.list("e")] == ["e-replay-1"]
    with world.store.read() as tx:
        assert [(entry.action, entry.actor) for entry in tx.audit.list()] == [("replay.start", "ann")]


def test_a_cancelled_replay_stops_and_says_so(world: "World", replays: Replays) -> None:
    # Each of these rows hangs for as long as its deadline lets it: far longer than this test.
    world.predict([-2.0] * 40_000)
    started = replays.start(Wanted(endpoint="e", candidate="m:3"), actor=ACTOR)
    wait(replays, started.id, lambda one: one.total > 0)
    assert replays.cancel("e", started.id, actor=ACTOR).is_cancelled
    asked_at = time.monotonic()
    ended = wait(replays, started.id, has_ended)
    assert time.monotonic() - asked_at < 15
    assert (ended.state, ended.report) == ("cancelled", None)
    assert replays.cancel("e", started.id, actor=ACTOR).state == "cancelled"
    with world.store.read() as tx:
        assert [entry.action for entry in tx.audit.list()] == ["replay.cancel", "replay.start"]


def test_a_replay_whose_process_is_killed_has_failed(world: "World", replays: Replays) -> None:
    world.predict([-2.0] * 40_000)
    started = replays.start(Wanted(endpoint="e", candidate="m:3"), actor=ACTOR)
    wait(replays, started.id, lambda one: one.total > 0)
    (pid,) = _children_with("interlock.scoring.replay_job")
    os.kill(pid, signal.SIGKILL)
    ended = wait(replays, started.id, has_ended)
    assert ended.state == "failed"
    assert "its process ended (code -9)" in ended.error


def test_a_replay_ends_when_its_time_is_over(world: "World", replays: Replays) -> None:
    world.predict([-2.0] * 40_000)
    url = f"sqlite:///{world.root / 'store.db'}"
    places = Places(url, world.root / "log", world.root / "artifacts")
    brief = Replays(world.store, places, lambda: datetime.now(UTC), seconds=5.0)
    started = brief.start(Wanted(endpoint="e", candidate="m:3"), actor=ACTOR)
    ended = wait(replays, started.id, has_ended)
    assert ended.state == "failed"
    assert "ask for less time, or for a sample" in ended.error


def test_a_candidate_that_cannot_be_loaded_is_a_failed_replay(world: "World", replays: Replays) -> None:
    world.predict([1.0])
    ended = wait(replays, replays.start(Wanted(endpoint="e", candidate="m:4"), actor=ACTOR).id, has_ended)
    assert ended.state == "failed"
    assert "not a loadable ONNX model" in ended.error


def test_one_that_went_silent_has_failed_whoever_asks(world: "World", replays: Replays) -> None:
    long_ago = datetime.now(UTC) - timedelta(minutes=5)
    lost = Replay(
        id="e-replay-1", endpoint="e", candidate="m:2", champion="m:1", state="running", created_at=long_ago,
        created_by="ann", heard_at=long_ago,
    )  # fmt: skip
    with world.store.transaction() as tx:
        tx.replays.add(lost)
    assert replays.get("e", "e-replay-1").state == "failed"
    assert "start it again" in replays.list("e")[0].error


def test_columns_that_a_rule_keeps_out_of_the_log_are_refused_with_that_reason(
    world: "World", replays: Replays
) -> None:
    with world.store.transaction() as tx:
        tx.endpoints.update(msgspec.structs.replace(tx.endpoints.get("e"), privacy={"input.x": "drop"}))
    with pytest.raises(ConflictError, match=r"a privacy rule keeps the values of input\.x out of the log"):
        replays.start(WANTED, actor=ACTOR)
    assert replays.list("e") == []


@pytest.mark.parametrize(
    ("wanted", "error", "said"),
    [
        (Wanted("nope", "m:2"), NotFoundError, "endpoint 'nope'"),
        (Wanted("e", "m:9"), NotFoundError, "m:9"),
        (Wanted("e", "m:2", limit=0), InvalidInputError, "limit == 0"),
        (
            Wanted("e", "m:2", since=datetime(2026, 1, 2, tzinfo=UTC), until=datetime(2026, 1, 1, tzinfo=UTC)),
            InvalidInputError,
            "must be before until",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_starts(
    replays: Replays, wanted: Wanted, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        replays.start(wanted, actor=ACTOR)
    assert replays.list("e") == []


def test_two_at_once_are_enough(world: "World", replays: Replays) -> None:
    now = datetime.now(UTC)
    with world.store.transaction() as tx:
        for number in (1, 2):
            tx.replays.add(
                Replay(
                    id=f"other-replay-{number}",
                    endpoint="other",
                    candidate="m:2",
                    champion="m:1",
                    state="running",
                    created_at=now,
                    created_by="ann",
                    heard_at=now,
                )
            )
    with pytest.raises(OverloadedError, match="2 replays are running already"):
        replays.start(WANTED, actor=ACTOR)


def test_another_endpoints_replay_is_not_there(world: "World", replays: Replays) -> None:
    world.predict([1.0])
    started = replays.start(WANTED, actor=ACTOR)
    with pytest.raises(NotFoundError):
        replays.get("other", started.id)
    wait(replays, started.id, has_ended)


def test_the_control_plane_does_not_import_the_runtimes_for_it() -> None:
    code = "import sys, interlock.scoring.replays; print('interlock.runtimes.load' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def _children_with(module: str) -> list[int]:
    """Processes that this one has started with a module."""
    found = subprocess.run(
        ["ps", "--ppid", str(os.getpid()), "-o", "pid=,args="], capture_output=True, text=True, check=True
    )
    return [int(line.split()[0]) for line in found.stdout.splitlines() if module in line]
