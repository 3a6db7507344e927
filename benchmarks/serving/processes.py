"""Processes as Linux tells of them: who started whom, processor time and memory."""

import os
from pathlib import Path

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")


def tree(root: int) -> list[int]:
    """A process and all that descend from it, in the order of their ids."""
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdecimal() and (stat := _stat(int(entry.name))) is not None:
            children.setdefault(int(stat[1]), []).append(int(entry.name))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting.extend(children.get(pid, []))
    return sorted(found)


def parent(pid: int) -> int:
    """Id of the process that started it; 0 if it is gone."""
    stat = _stat(pid)
    return int(stat[1]) if stat else 0


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used, 0 if it is gone. The kernel counts in ticks of 10 ms."""
    stat = _stat(pid)
    return (int(stat[11]) + int(stat[12])) / _TICKS if stat else 0.0


def pss_mb(pid: int) -> float:
    """Proportional set size: its own memory, and its share of what it shares. 0 if it is gone."""
    try:
        text = (_PROC / str(pid) / "smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return parse_pss_kb(text) / 1024


def parse_pss_kb(smaps_rollup: str) -> int:
    """The `Pss:` line of smaps_rollup.

    Examples:
        >>> parse_pss_kb("Rss:  20 kB\\nPss:  12 kB\\nPss_Anon: 3 kB\\n")
        12
    """
    line = next((line for line in smaps_rollup.splitlines() if line.startswith("Pss:")), "Pss: 0 kB")
    return int(line.split()[1])


def title(pid: int) -> str:
    """What a process is called by its command line, without its interpreter and its path."""
    try:
        words = (_PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return "gone"
    told = [word.rpartition("/")[2] for word in words if word and not word.startswith("-")]
    return " ".join(told[:3]) or "?"


def _stat(pid: int) -> list[str] | None:
    """Fields of `stat` from the state on: the name before it may hold anything."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
