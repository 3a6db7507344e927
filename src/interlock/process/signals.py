"""Signals as something to wait for: the supervisor sleeps until one arrives, or until its next appointment."""

import os
import select
import signal
from types import FrameType, TracebackType


class Signals:
    """While entered, counts SIGTERM and SIGINT, and wakes `wait` for them, for SIGCHLD and for `wake`."""

    def __init__(self) -> None:
        self.stops = 0
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._poll = select.poll()  # `select` takes no descriptor above 1023
        self._poll.register(self._read, select.POLLIN)
        self._before: dict[int, object] = {}
        self._closed = False

    def __enter__(self) -> "Signals":
        for number in (signal.SIGTERM, signal.SIGINT):
            self._before[number] = signal.signal(number, self._count)
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closed = True
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # it came from signal.signal
        os.close(self._read)
        os.close(self._write)

    def _count(self, *_: int | FrameType | None) -> None:
        self.stops += 1

    def wake(self) -> None:
        """End the current `wait`, from any thread."""
        if not self._closed:
            os.write(self._write, b"\0")

    def wait(self, timeout_seconds: float) -> None:
        """Sleep until a signal, a wake, or the timeout."""
        if self._poll.poll(max(timeout_seconds, 0) * 1000):
            os.read(self._read, 4096)
