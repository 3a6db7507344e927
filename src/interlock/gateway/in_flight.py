"""Which version is computing inside this worker right now, written where the worker's death cannot take it.

A graph that crashes takes the worker with it, and one that hangs in the event loop does so too. Called around every
computation in this process: costs a copy into mapped memory. A watchman ends a worker whose loop stands still in one
computation; whoever starts next reads what was in flight, and serves those versions in processes of their own. (One
that hangs in a thread of its own holds up nobody else: `runtimes/inline` moves it.)
"""

import contextlib
import logging
import mmap
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger(__name__)

_BYTES = 256
# The first mark is the loop's, each other one a thread's. More threads than these go unmarked.
_MARKS = 16
_LOOK_SECONDS = 0.5

# A batch in the loop is predicted to take 2 ms. What takes a thousand times as long will not come back.
STALL_SECONDS = 5.0


class InFlight:
    """The marks of one worker slot.

    Args:
        path: Of the marks. Its folder is made if it is not there.

    Attributes:
        left_by_predecessor: What was in flight when the slot's last worker died.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(descriptor, _BYTES * _MARKS)
            self._mark = mmap.mmap(descriptor, _BYTES * _MARKS)
        finally:
            os.close(descriptor)
        self.left_by_predecessor = tuple(dict.fromkeys(name for at in range(_MARKS) if (name := self._name(at))))
        self._mark[:] = bytes(_BYTES * _MARKS)
        self._free = list(range(1, _MARKS))
        self._marks: dict[str, bytes] = {}
        self._turn, self._is_in = 0, False
        self._stopping = threading.Event()
        self._watchman: threading.Thread | None = None

    def enter(self, ref: str) -> None:
        """`ref` computes in the loop from now on."""
        self._mark[:_BYTES] = self._padded(ref)
        self._turn += 1
        self._is_in = True

    def leave(self) -> None:
        """It is done."""
        self._is_in = False
        self._mark[0] = 0

    @contextlib.contextmanager
    def beside(self, ref: str) -> Iterator[None]:
        """`ref` computes in a thread meanwhile."""
        at = self._free.pop() if self._free else None
        try:
            if at is not None:
                self._mark[at * _BYTES : (at + 1) * _BYTES] = self._padded(ref)
            yield
        finally:
            if at is not None:
                self._mark[at * _BYTES] = 0
                self._free.append(at)

    def watch(self) -> None:
        """Have a thread end this process when one computation takes longer than `STALL_SECONDS`."""
        self._watchman = threading.Thread(target=self._watch, name="watchman", daemon=True)
        self._watchman.start()

    def close(self) -> None:
        """Stop watching; nothing is in flight."""
        self._stopping.set()
        if self._watchman is not None:
            self._watchman.join()
        self._mark[:] = bytes(_BYTES * _MARKS)

    def _padded(self, ref: str) -> bytes:
        mark = self._marks.get(ref)
        if mark is None:
            mark = self._marks[ref] = ref.encode()[:_BYTES].ljust(_BYTES, b"\0")
        return mark

    def _name(self, at: int = 0) -> str:
        mark = self._mark[at * _BYTES : (at + 1) * _BYTES]
        return mark.rstrip(b"\0").decode(errors="replace") if mark[0] else ""

    def _watch(self) -> None:
        turn, looks = -1, 0
        while not self._stopping.wait(_LOOK_SECONDS):
            looks = looks + 1 if self._is_in and self._turn == turn else 0
            turn = self._turn
            if looks * _LOOK_SECONDS >= STALL_SECONDS:
                log.error("model %s holds this worker up for %g s; ending the worker", self._name(), STALL_SECONDS)
                os.kill(os.getpid(), signal.SIGKILL)
