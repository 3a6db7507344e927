"""Asks the collector to commit everything acknowledged so far: how a query sees what was just predicted.

A request is a file in `.flush` beside the spools; the collector removes it when the log holds every segment that had
anything in it when the request was seen. Works between any processes of one machine, also when nobody listens (then it
times out, and the query shows what is there).
"""

import time
import uuid
from collections.abc import Iterable
from pathlib import Path

from interlock.predictions import segments
from interlock.predictions.intake import Intake

_POLL_SECONDS = 0.02


def request(spools: Path, *, timeout_seconds: float = 10.0) -> bool:
    """Wait until the log holds everything acknowledged before the call.

    Args:
        spools: Holds the spool folders.
        timeout_seconds: How long to wait. The collector is a second or two behind when all is well.

    Returns:
        Whether it does; False if the collector did not answer in time.
    """
    folder = spools / ".flush"
    folder.mkdir(parents=True, exist_ok=True)
    asked = folder / uuid.uuid4().hex
    asked.touch()
    until = time.monotonic() + timeout_seconds
    try:
        while asked.exists():
            if time.monotonic() >= until:
                return False
            time.sleep(_POLL_SECONDS)
        return True
    finally:
        asked.unlink(missing_ok=True)


class FlushRequests:
    """The collector's side."""

    def __init__(self, spools: Path) -> None:
        self._folder = spools / ".flush"
        self._wanted: dict[Path, dict[str, int]] = {}

    def look(self, intakes: Iterable[Intake]) -> bool:
        """Note new requests, each with the segments that it waits for; whether there are any."""
        there = set(self._folder.iterdir()) if self._folder.is_dir() else set()
        self._wanted = {path: wanted for path, wanted in self._wanted.items() if path in there}
        new = there - self._wanted.keys()
        if new:
            upto = {intake.spool: _last_with_records(intake.folder) for intake in intakes}
            self._wanted.update(dict.fromkeys(new, upto))
        return bool(there)

    def answer(self, intakes: Iterable[Intake]) -> None:
        """Remove the requests that are fulfilled."""
        logged = {intake.spool: intake.logged_upto for intake in intakes}
        for path, wanted in list(self._wanted.items()):
            if all(logged.get(spool, 0) >= sequence for spool, sequence in wanted.items()):
                path.unlink(missing_ok=True)
                del self._wanted[path]


def _last_with_records(folder: Path) -> int:
    files = segments.listing(folder)
    if files and not files[-1].sealed:
        last = segments.read(files[-1].path)
        if not last.records and not last.damaged:
            files.pop()
    return files[-1].sequence if files else 0
