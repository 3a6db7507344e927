"""Which version is computing inside this worker right now, written where the worker's death cannot take it.

A graph that hangs or crashes takes the event loop with it. Called around every computation in the loop: costs a copy
into mapped memory. A watchman ends a worker that stands still in one computation; whoever starts next reads what was
in flight, and serves that version in a process of its own.
"""

import logging
import mmap
import os
import signal
import threading
from pathlib import Path

log = logging.getLogger(__name__)

_BYTES = 256
_LOOK_SECONDS = 0.5

# A batch in the loop is predicted to take 2 ms. What takes a thousand times as long will not come back.
STALL_SECONDS = 5.0


class InFlight:
    """The mark of one worker slot.

    Args:
        path: Of the mark. Its folder is made if it is not there.

    Attributes:
        left_by_predecessor: What was in flight when the slot's last worker died; empty if nothing was.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(descriptor, _BYTES)
            self._mark = mmap.mmap(descriptor, _BYTES)
        finally:
            os.close(descriptor)
        self.left_by_predecessor = self._name()
        self._marks: dict[str, bytes] = {}
        self._turn, self._is_in = 0, False
        self._stopping = threading.Event()
        self._watchman: threading.Thread | None = None
        self.leave()

    def enter(self, ref: str) -> None:
        """`ref` computes from now on."""
        mark = self._marks.get(ref)
        if mark is None:
            mark = self._marks[ref] = ref.encode()[:_BYTES].ljust(_BYTES, b"\0")
        self._mark[:] = mark
        self._turn += 1
        self._is_in = True

    def leave(self) -> None:
        """It is done."""
        self._is_in = False
        self._mark[0] = 0

    def watch(self) -> None:
        """Have a thread end this process when one computation takes longer than `STALL_SECONDS`."""
        self._watchman = threading.Thread(target=self._watch, name="watchman", daemon=True)
        self._watchman.start()

    def close(self) -> None:
        """Stop watching; nothing is in flight."""
        self._stopping.set()
        if self._watchman is not None:
            self._watchman.join()
        self.leave()

    def _name(self) -> str:
        mark = bytes(self._mark)
        return mark.rstrip(b"\0").decode(errors="replace") if mark[0] else ""

    def _watch(self) -> None:
        turn, looks = -1, 0
        while not self._stopping.wait(_LOOK_SECONDS):
            looks = looks + 1 if self._is_in and self._turn == turn else 0
            turn = self._turn
            if looks * _LOOK_SECONDS >= STALL_SECONDS:
                log.error("model %s holds this worker up for %g s; ending the worker", self._name(), STALL_SECONDS)
                os.kill(os.getpid(), signal.SIGKILL)
