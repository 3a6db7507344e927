import signal
import threading
import time

import pytest

from interlock.registry.time_limit import time_limit


def loop_for_ever() -> None:
    while True:
        pass


def test_code_that_does_not_come_back_is_interrupted() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(TimeoutError), time_limit(0.05):
        loop_for_ever()
    assert signal.getsignal(signal.SIGALRM) == before


def test_the_limit_ends_with_its_block() -> None:
    with time_limit(0.01):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_off_the_main_thread_there_is_no_limit() -> None:
    done: list[bool] = []

    def work() -> None:
        with time_limit(0.001):
            time.sleep(0.01)
        done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]
