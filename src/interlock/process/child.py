"""One part under supervision: started, watched, started again after a pause that grows while it keeps dying.

stopped --start--> running --dies--> waiting --pause over--> running
                      |                  |
                      +------stop--------+--> stopped
"""

import sys
from dataclasses import dataclass, field
from typing import Any, Literal

from interlock.process.handover import Handover
from interlock.process.spawning import Process, Spawn

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
STEADY_SECONDS = 10.0
"""A part that lived so long is taken to be well: its next pause is the first one again."""

State = Literal["stopped", "running", "waiting"]


@dataclass(slots=True)
class Child:
    """A part and how it is doing. Times are seconds of a monotonic clock, given by the caller."""

    handover: Handover
    spawn: Spawn
    restarts: int = 0
    last_exit: int | None = None
    _process: Process | None = None
    _started_at: float = 0.0
    _restart_at: float | None = None
    _pause: float = field(default=FIRST_PAUSE_SECONDS)

    @property
    def name(self) -> str:
        return self.handover.name

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def state(self) -> State:
        if self._process is not None:
            return "running"
        return "stopped" if self._restart_at is None else "waiting"

    @property
    def restart_at(self) -> float | None:
        return self._restart_at

    def describe(self) -> dict[str, Any]:
        """For `status` and `doctor`."""
        return {"name": self.name, "pid": self.pid, "state": self.state, "restarts": self.restarts}

    def start(self, now: float) -> None:
        try:
            self._process = self.spawn(self.handover)
        except OSError as error:  # out of processes or memory; that may pass
            print(f"interlock: {self.name} could not be started: {error}", file=sys.stderr)
            self._schedule(now)
            return
        self._started_at, self._restart_at = now, None

    def _schedule(self, now: float) -> None:
        self._restart_at = now + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)

    def look(self, now: float) -> bool:
        """Notice a death, restart after the pause. Returns whether anything changed."""
        if self._process is not None and self._process.poll() is not None:
            self.last_exit, self._process = self._process.returncode, None
            if now - self._started_at >= STEADY_SECONDS:
                self._pause = FIRST_PAUSE_SECONDS
            self._schedule(now)
            return True
        if self._restart_at is not None and now >= self._restart_at:
            self.restarts += 1
            self.start(now)
            return True
        return False

    def ended(self) -> bool:
        """Whether it is not running; it is not restarted by this look."""
        if self._process is not None and self._process.poll() is not None:
            self.last_exit, self._process = self._process.returncode, None
        self._restart_at = None
        return self._process is None

    def signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)
