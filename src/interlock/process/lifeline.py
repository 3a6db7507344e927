"""A part never outlives its supervisor, also when that is killed with no chance to say so.

Two ways, because each has a gap: Linux can signal a child when its parent dies, and every system closes a pipe when its
last writer dies. The part is killed, not drained: whatever it has acknowledged is already on disk.
"""

import ctypes
import os
import signal
import sys
import threading

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent_pid: int, lifeline: int) -> None:
    """Tie this process to its parent's life.

    Args:
        parent_pid: The supervisor, as it knows itself.
        lifeline: Read end of a pipe whose write end only the supervisor holds.
    """
    be_killed_with_parent(parent_pid)
    threading.Thread(target=_wait_for_the_end, args=(lifeline,), name="lifeline", daemon=True).start()


def be_killed_with_parent(parent_pid: int) -> None:
    """The first way alone: for a process that must have no thread."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:  # it died before the line above
        _die()


def _wait_for_the_end(lifeline: int) -> None:
    while os.read(lifeline, 1):
        pass
    _die()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
