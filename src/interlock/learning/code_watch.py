"""Notices that a trainer's code has changed. Called by the triggers, outside of any transaction, as it reads files.

A change counts once it has stood for two looks: of what somebody saves one file after the other, or pulls, no half must
teach.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from interlock.learning import code

_LOOK_EVERY = timedelta(seconds=30)


@dataclass(slots=True)
class _Folder:
    """When it is looked at next, what was there at the last look, and what has stood for two."""

    next_look: datetime
    seen: str = ""
    settled: str = ""


class CodeWatch:
    """Digests of folders of code.

    Args:
        clock: Aware UTC.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._folders: dict[str, _Folder] = {}

    def digest(self, folder: str) -> str:
        """What stands in a folder; empty as long as nothing has stood there for two looks."""
        now = self._clock()
        known = self._folders.setdefault(folder, _Folder(now))
        if now >= known.next_look:
            known.next_look = now + _LOOK_EVERY
            seen = code.digest(Path(folder)) if Path(folder).is_dir() else ""
            if seen == known.seen:
                known.settled = seen
            known.seen = seen
        return known.settled
