import contextlib
import subprocess
import sys
from pathlib import Path

from interlock.gateway.in_flight import InFlight

DIES = """
import os, signal, sys
from pathlib import Path
from interlock.gateway.in_flight import InFlight
mark = InFlight(Path(sys.argv[1]))
mark.enter("wine:1")
mark.leave()
mark.enter("wine:2")
os.kill(os.getpid(), signal.SIGKILL)
"""
DIES_BESIDE = """
import os, signal, sys
from pathlib import Path
from interlock.gateway.in_flight import InFlight
mark = InFlight(Path(sys.argv[1]))
with mark.beside("wine:1"), mark.beside("wine:2"):
    with mark.beside("wine:4"):
        pass
    mark.enter("wine:3")
    mark.leave()
    os.kill(os.getpid(), signal.SIGKILL)
"""
STALLS = """
import sys, threading
from pathlib import Path
from interlock.gateway import in_flight
in_flight.STALL_SECONDS = 0.5
mark = in_flight.InFlight(Path(sys.argv[1]))
mark.watch()
mark.enter("wine:3")
threading.Event().wait(30)
"""


def ended(program: str, path: Path) -> int:
    return subprocess.run([sys.executable, "-c", program, str(path)], check=False, timeout=60).returncode


def test_what_was_in_flight_is_known_after_the_death_of_the_worker(tmp_path: Path) -> None:
    path = tmp_path / "gw0" / "in_flight"
    assert InFlight(path).left_by_predecessor == ()
    assert ended(DIES, path) == -9
    assert InFlight(path).left_by_predecessor == ("wine:2",)
    assert InFlight(path).left_by_predecessor == ()


def test_all_that_computed_in_threads_is_known_too(tmp_path: Path) -> None:
    path = tmp_path / "in_flight"
    assert ended(DIES_BESIDE, path) == -9
    assert sorted(InFlight(path).left_by_predecessor) == ["wine:1", "wine:2"]
    assert InFlight(path).left_by_predecessor == ()


def test_more_threads_than_marks_go_unmarked(tmp_path: Path) -> None:
    mark = InFlight(tmp_path / "in_flight")
    with contextlib.ExitStack() as all_of_them:
        for number in range(20):
            all_of_them.enter_context(mark.beside(f"wine:{number}"))
        assert len(InFlight(tmp_path / "in_flight").left_by_predecessor) == 15


def test_worker_that_stands_still_in_one_computation_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "in_flight"
    assert ended(STALLS, path) == -9
    assert InFlight(path).left_by_predecessor == ("wine:3",)


def test_worker_that_computes_again_and_again_is_left_alone(tmp_path: Path) -> None:
    mark = InFlight(tmp_path / "in_flight")
    mark.watch()
    for _ in range(1000):
        mark.enter("wine:1")
        mark.leave()
    mark.close()
    assert InFlight(tmp_path / "in_flight").left_by_predecessor == ()
