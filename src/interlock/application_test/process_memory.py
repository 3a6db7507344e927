"""Resident memory of a process and of all below it: a gateway, and the processes of its models."""

import os
from pathlib import Path


def resident_bytes(pid: int) -> int | None:
    """What they hold together; None where the system does not say (`/proc` is Linux's)."""
    parents = _parents()
    if pid not in parents:
        return None
    found, new = {pid}, {pid}
    while new:
        new = {child for child, parent in parents.items() if parent in new} - found
        found |= new
    return sum(_resident(each) for each in found)


def _parents() -> dict[int, int]:
    found: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            found[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):  # it has just ended
            continue
    return found


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
