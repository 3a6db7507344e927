"""Children by adoption: on Linux a process may ask for the orphans among its descendants, and then waits for them.

The supervisor asks, because the nursery hands its forks over in this way. So it also gets what a killed part leaves
behind, and must wait for that too, or the system keeps an entry for each.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Collection

_PR_SET_CHILD_SUBREAPER = 36


def is_possible() -> bool:
    """Whether this system has it."""
    return sys.platform == "linux"


def adopt_orphans() -> None:
    """Become the parent of every orphan among this process's descendants, from now on."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "this process cannot adopt orphans")


def wait_for_strangers(known: Collection[int]) -> None:
    """Wait for adopted processes that have ended, but for those that somebody here waits for himself."""
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if ended is None or ended.si_pid in known:
            # A known one is waited for at the next look, and strangers behind it after that.
            return
        os.waitpid(ended.si_pid, 0)


class Adopted:
    """A child by adoption."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Look whether it has ended."""
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:  # nobody can say how it ended
                self.returncode = -signal.SIGKILL
            else:
                self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Signal it, if it has not ended. It cannot be another process: its id is free only when it was waited for."""
        if self.poll() is None:
            os.kill(self.pid, number)
