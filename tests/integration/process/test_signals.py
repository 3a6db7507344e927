import os
import signal
import subprocess
import sys
import threading
import time

from interlock.process.signals import Signals


def test_stops_are_counted_and_end_the_wait() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Signals() as signals:
        for number in (signal.SIGTERM, signal.SIGINT):
            os.kill(os.getpid(), number)
            signals.wait(60)
        assert signals.stops == 2
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_child_that_ends_and_a_wake_end_the_wait_too() -> None:
    start = time.monotonic()
    with Signals() as signals:
        with subprocess.Popen([sys.executable, "-c", ""]):
            signals.wait(60)
        threading.Timer(0.01, signals.wake).start()
        signals.wait(60)
        assert signals.stops == 0
    signals.wake()  # late, from a thread that does not know: nothing happens
    assert time.monotonic() - start < 60
