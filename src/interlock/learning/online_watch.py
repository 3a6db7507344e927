"""Keeps one process for each learner that is to learn, and none for any other.

A thread of the controller's process. A learner's process that ends is started again after a pause; it goes on where the
store says. Whoever kills it, or this one, costs nothing but that time.
"""

import logging
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from interlock.domain.errors import ConflictError
from interlock.domain.learner import Learner
from interlock.store.database import Store

_log = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 30.0
# A process that lived so long was well: the next pause is the first one again.
_STEADY_SECONDS = 60.0
_KILL_SECONDS = 10.0

Spawn = Callable[[str, Path], "subprocess.Popen[bytes]"]
"""Starts the process of an endpoint's learner; what it says goes into a folder."""


@dataclass(slots=True)
class _Watched:
    process: "subprocess.Popen[bytes] | None" = None
    started_at: float = 0.0
    next_at: float = 0.0
    pause_seconds: float = _FIRST_PAUSE_SECONDS


class LearnerWatch:
    """Learners of all endpoints, as far as they are on this machine.

    Args:
        store: What is to learn.
        spawn: Starts a process.
        folders: Where learners have their folders.
        place: This machine's name, if others may share the store: a learner stays where its files are.
    """

    def __init__(self, store: Store, *, spawn: Spawn, folders: Path, place: str = "") -> None:
        self._store, self._spawn, self._folders, self._place = store, spawn, folders, place
        self._watched: dict[str, _Watched] = {}

    def step(self) -> None:
        """Start and end what is due. Call it now and then from one thread, which must live as long as the learners."""
        wanted = self._wanted()
        for endpoint in self._watched.keys() - wanted:
            _end(self._watched.pop(endpoint))
        for endpoint in sorted(wanted):
            self._look(endpoint, self._watched.setdefault(endpoint, _Watched()))

    def close(self) -> None:
        """End all."""
        for each in self._watched.values():
            _end(each)
        self._watched.clear()

    def _wanted(self) -> set[str]:
        with self._store.read() as tx:
            declared = tx.online_learnings.list()
            endpoints = {plan.endpoint for plan in tx.plans.all_current()} if declared else set()
            learning = [each for each in tx.learners.list() if each.state == "learning"] if declared else []
        mine = {each.endpoint for each in learning if each.place == self._place or self._claim(each)}
        return declared.keys() & endpoints & mine

    def _claim(self, learner: Learner) -> bool:
        """Whether a learner that is nowhere yet is here now."""
        if learner.place:
            return False
        claimed = msgspec.structs.replace(learner, revision=learner.revision + 1, place=self._place)
        try:
            with self._store.transaction() as tx:
                tx.learners.update(claimed)
        except ConflictError:  # another machine was quicker
            return False
        return True

    def _look(self, endpoint: str, watched: _Watched) -> None:
        now = time.monotonic()
        if watched.process is not None and watched.process.poll() is not None:
            if watched.process.returncode != 0:
                _log.warning("the learner of %s ended (%d)", endpoint, watched.process.returncode)
            is_steady = now - watched.started_at >= _STEADY_SECONDS
            watched.pause_seconds = _FIRST_PAUSE_SECONDS if is_steady else watched.pause_seconds
            watched.next_at = now + watched.pause_seconds
            watched.pause_seconds = min(2 * watched.pause_seconds, _LONGEST_PAUSE_SECONDS)
            watched.process = None
        if watched.process is None and now >= watched.next_at:
            folder = self._folders / endpoint
            folder.mkdir(parents=True, exist_ok=True)
            watched.process, watched.started_at = self._spawn(endpoint, folder), now


def _end(watched: _Watched) -> None:
    if watched.process is not None and watched.process.poll() is None:
        watched.process.kill()
        watched.process.wait(_KILL_SECONDS)
