"""The nursery with real forks, in a process that stands for the supervisor: adopting is for a whole process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from interlock import bootstrap
from interlock.process.handover import environment
from interlock.process.home import prepare
from interlock.settings import Settings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt orphans")

# A gateway lives until it is told to stop; `doomed`, of which there is none, ends with an error.
_SUPERVISOR = """
import os, signal, socket, time
from interlock.process import adoption
from interlock.process.handover import Handover
from interlock.process.nursery_process import NurseryProcess

def await_end(process):
    while process.poll() is None:
        time.sleep(0.01)
    return process.returncode

lifeline, held = os.pipe()
server = socket.create_server(("127.0.0.1", 0))
listener = server.fileno()
nursery = NurseryProcess(dict(os.environ), (lifeline, listener))
nursery.start()
{then}
nursery.close()
"""


def supervised(then: str, home: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    settings = Settings(home=home / "home")
    prepare(settings)
    bootstrap.migrate(settings)
    given = {**environment(settings), **variables}
    code = _SUPERVISOR.format(then=then)
    return subprocess.run(
        [sys.executable, "-c", code], env=given, capture_output=True, text=True, check=True, timeout=120
    )


def test_a_part_is_a_fork_and_a_child_of_the_supervisor(tmp_path: Path) -> None:
    done = supervised(
        """
part = nursery.spawn(Handover("gw7", os.getpid(), lifeline, listener))
stat = open(f"/proc/{part.pid}/stat").read().rpartition(")")[2].split()
print(stat[1] == str(os.getpid()), stat[2] == str(part.pid), type(part).__name__)
part.send_signal(signal.SIGKILL)
print(await_end(part))
""",
        tmp_path,
    )
    assert done.stdout.splitlines() == ["True True Adopted", "-9"]


def test_a_part_tells_its_exit_code_and_holds_only_what_it_was_given(tmp_path: Path) -> None:
    done = supervised(
        """
part = nursery.spawn(Handover("doomed", os.getpid(), lifeline))
print(await_end(part))
""",
        tmp_path,
    )
    assert done.stdout == "1\n"
    assert "part == 'doomed', must be collector, scorer, controller or telemetry" in done.stderr


def test_parts_outlive_the_nursery_and_the_next_part_gets_another_one(tmp_path: Path) -> None:
    done = supervised(
        """
first = nursery.spawn(Handover("gw7", os.getpid(), lifeline, listener))
killed = nursery.pid
os.kill(killed, signal.SIGKILL)
os.waitid(os.P_PID, killed, os.WEXITED | os.WNOWAIT)
second = nursery.spawn(Handover("gw8", os.getpid(), lifeline, listener))
print(first.poll(), type(second).__name__, nursery.pid != killed)
for part in (first, second):
    part.send_signal(signal.SIGKILL)
    await_end(part)
""",
        tmp_path,
    )
    assert done.stdout == "None Adopted True\n"


def test_without_a_nursery_that_works_a_part_is_an_interpreter_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\nif 'interlock.process.nursery' in sys.orig_argv:\n    os._exit(3)\n"
    )
    done = supervised(
        """
parts = [nursery.spawn(Handover("doomed", os.getpid(), lifeline)) for _ in range(4)]
print([await_end(part) for part in parts], {type(part).__name__ for part in parts})
""",
        tmp_path,
        PYTHONPATH=os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]),
    )
    assert done.stdout == "[1, 1, 1, 1] {'Popen'}\n"
    assert "doomed is started without the nursery" in done.stderr


def test_what_a_killed_part_leaves_behind_is_waited_for(tmp_path: Path) -> None:
    done = supervised(
        """
helper = os.fork()
if helper == 0:
    if os.fork() == 0:
        os._exit(0)
    time.sleep(0.2)
    os._exit(0)
os.waitpid(helper, 0)

def zombies():
    found = 0
    for name in os.listdir("/proc"):
        if name.isdecimal() and int(name) != nursery.pid:
            try:
                stat = open(f"/proc/{name}/stat").read().rpartition(")")[2].split()
            except OSError:
                continue
            found += stat[0] == "Z" and stat[1] == str(os.getpid())
    return found

before = zombies()
adoption.wait_for_strangers({nursery.pid})
print(before, zombies())
""",
        tmp_path,
    )
    assert done.stdout == "1 0\n"
