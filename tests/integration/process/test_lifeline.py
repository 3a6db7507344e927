import os
import signal
import subprocess
import sys

_PARENT = """
import os, subprocess, sys
read, write = os.pipe()
child = subprocess.Popen([sys.executable, "-c", {child!r}, str(os.getpid()), str(read)], pass_fds=(read,))
print(child.pid, flush=True)
child.wait()
"""
_CHILD = """
import sys, threading
from interlock.process import lifeline
{before}
lifeline.die_with_parent(int(sys.argv[1]), int(sys.argv[2]))
print("tied", flush=True)
threading.Event().wait()
"""


def _killed_with_its_parent(before: str) -> bool:
    command = [sys.executable, "-c", _PARENT.format(child=_CHILD.format(before=before))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline().strip().isdecimal()
        assert parent.stdout.readline() == "tied\n"
        os.kill(parent.pid, signal.SIGKILL)
        # The child holds the pipe's other end, so this ends when the child does.
        return parent.stdout.read() == ""


def test_a_part_dies_with_its_supervisor() -> None:
    assert _killed_with_its_parent(before="")


def test_also_where_the_system_cannot_signal_it() -> None:
    assert _killed_with_its_parent(before="sys.platform = 'other'")


def test_a_part_that_comes_too_late_dies_at_once() -> None:
    code = "import os; from interlock.process import lifeline; lifeline.die_with_parent(1 << 22, os.pipe()[0])"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
