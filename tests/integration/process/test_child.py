import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.process.child import LONGEST_PAUSE_SECONDS, STEADY_SECONDS, Child
from interlock.process.handover import Handover, environment
from interlock.process.spawning import by_interpreter
from interlock.settings import Settings


@pytest.fixture
def doomed(tmp_path: Path) -> Iterator[Child]:
    """A part that ends as soon as it starts: there is none of this name."""
    lifeline, held = os.pipe()
    spawn = by_interpreter(environment(Settings(home=tmp_path)))
    child = Child(Handover("doomed", os.getpid(), lifeline), spawn)
    yield child
    os.close(held)
    os.close(lifeline)


def _await_death(child: Child) -> None:
    assert child.pid is not None
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)


def test_a_part_that_keeps_dying_is_restarted_after_ever_longer_pauses(doomed: Child) -> None:
    pauses = []
    now = 100.0
    doomed.start(now)
    for _ in range(8):
        _await_death(doomed)
        assert doomed.look(now) is True
        assert doomed.describe()["state"] == "waiting"
        assert doomed.restart_at is not None
        pauses.append(round(doomed.restart_at - now, 3))
        assert doomed.look(doomed.restart_at - 0.001) is False
        now = doomed.restart_at
        assert doomed.look(now) is True
        assert doomed.describe()["state"] == "running"
    _await_death(doomed)
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, LONGEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS]
    assert (doomed.restarts, doomed.last_exit) == (8, 1)
    assert doomed.ended()


def test_a_part_that_lived_is_restarted_soon_again(doomed: Child) -> None:
    doomed.start(0.0)
    _await_death(doomed)
    doomed.look(0.0)
    doomed.look(0.1)
    _await_death(doomed)
    doomed.look(0.1 + STEADY_SECONDS)
    assert doomed.restart_at == pytest.approx(0.1 + STEADY_SECONDS + 0.1)
    assert doomed.ended()


def test_an_ended_part_is_not_restarted(doomed: Child) -> None:
    doomed.start(0.0)
    _await_death(doomed)
    assert doomed.ended()
    assert doomed.look(1000.0) is False
    assert doomed.describe()["state"] == "stopped"
