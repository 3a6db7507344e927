"""A total time for sending one notice. Called by `sending`, whatever the channel.

Timeouts of sockets are for each byte: a receiver that drips them holds its sender for as long as it likes. So the work
is done in a thread of its own, which is left behind when its time is over. A channel whose thread has not ended yet is
not tried again: threads do not pile up.
"""

import threading
from collections.abc import Callable

from interlock.domain.errors import NotDeliveredError

_running: dict[str, threading.Thread] = {}
_lock = threading.Lock()


def within(seconds: float, channel: str, work: Callable[[], None]) -> None:
    """Do something that may hang, and wait for it no longer than this.

    Args:
        seconds: How long.
        channel: Whose work it is; one at a time.
        work: What is done. What it raises is raised here.

    Raises:
        NotDeliveredError: It has not ended in time, or an earlier one has not ended yet.
    """
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)

    thread = _begin(channel, run)
    thread.join(seconds)
    if thread.is_alive():
        raise NotDeliveredError(f"it has not taken the notice within {seconds:g} s")
    if failed:
        raise failed[0]


def _begin(channel: str, run: Callable[[], None]) -> threading.Thread:
    with _lock:
        before = _running.get(channel)
        if before is not None and before.is_alive():
            raise NotDeliveredError("the attempt before has not ended yet")
        thread = _running[channel] = threading.Thread(target=run, name=f"send-{channel}", daemon=True)
        thread.start()
    return thread
