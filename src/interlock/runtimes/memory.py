"""How much memory a model's process may hold, so that a leak ends there and not in the machine's.

Called by `runner_process` and by registration. A version may say; else the server's setting does; else it is half of
the machine, which leaves the gateway and the log room to go on.
"""

import os
from pathlib import Path

from interlock.domain.model import Runner
from interlock.settings import RUNNER_MEMORY

ROWS_AT_ONCE = 4096
"""Rows of one call of a graph inside a gateway worker: registration has tried that many."""

# Of a container, where there is one: the machine's memory is not ours to use then.
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def memory_bytes(runner: Runner) -> int:
    """The limit of a process that is started so."""
    return runner.memory_bytes or _setting() or machine_bytes() // 2


def _setting() -> int:
    text = os.environ.get(RUNNER_MEMORY, "")
    return int(text) if text.isdecimal() else 0


def machine_bytes() -> int:
    """Memory of this machine, or of the container that this process is in."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = _CGROUP_LIMIT.read_text().strip()
    except OSError:
        return physical
    return min(physical, int(limit)) if limit.isdecimal() else physical
