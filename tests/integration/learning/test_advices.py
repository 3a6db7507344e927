"""Advice as the API keeps it: one process at a time, and its end known whatever it did. The processes are real."""

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from interlock import bootstrap
from interlock.domain.advice import Advice
from interlock.domain.errors import ConflictError, InvalidInputError, NotFoundError
from interlock.learning.advices import Advices, Spawn

if TYPE_CHECKING:
    from tests.integration.learning.conftest import World

# Says that it is done, as the adviser does, and is still there for a moment.
LINGERS = """
import sys, time
from pathlib import Path
file = Path(sys.argv[1]) / "advice.json"
file.write_text(file.read_text().replace('"state":"running"', '"state":"done"'))
time.sleep(1.5)
"""


def spawning(code: str) -> Spawn:
    def spawn(folder: Path) -> "subprocess.Popen[bytes]":
        return subprocess.Popen([sys.executable, "-c", code, str(folder)])

    return spawn


def advices(world: "World", code: str) -> Advices:
    return Advices(world.store, world.settings.runs, bootstrap.now, spawn=spawning(code))


def ended(service: Advices) -> Advice:
    until = time.monotonic() + 60
    while (found := service.get("flights")).state == "running":
        assert time.monotonic() < until
        time.sleep(0.02)
    return found


def test_whoever_asks_at_once_after_an_end_is_not_refused(empty_world: "World") -> None:
    service = advices(empty_world, LINGERS)
    for _ in range(2):
        service.start("flights", empty_world.actor, tolerated=0.01, starts=6)
        assert ended(service).state == "done"


def test_a_second_one_beside_it_is_refused_and_a_process_that_dies_has_failed(empty_world: "World") -> None:
    service = advices(empty_world, "import time; time.sleep(3); raise SystemExit(7)")
    with pytest.raises(NotFoundError):
        service.get("flights")
    service.start("flights", empty_world.actor, tolerated=0.01, starts=6)
    with pytest.raises(ConflictError, match="'flights' is being measured"):
        service.start("flights", empty_world.actor, tolerated=0.01, starts=6)
    found = ended(service)
    assert found.state == "failed"
    assert "exit code 7" in found.error


def test_what_a_dead_server_left_is_no_running_advice(empty_world: "World") -> None:
    advices(empty_world, "import time; time.sleep(5)").start("flights", empty_world.actor, tolerated=0.01, starts=6)
    assert "the server ended" in advices(empty_world, "").get("flights").error


def test_numbers_out_of_range_are_refused_all_at_once(empty_world: "World") -> None:
    with pytest.raises(InvalidInputError, match=r"tolerated == 2.*starts == 1"):
        advices(empty_world, "").start("flights", empty_world.actor, tolerated=2.0, starts=1)
