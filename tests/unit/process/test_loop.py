import logging
import threading

import pytest

from interlock.process.loop import repeat


def test_a_failing_step_is_logged_retried_ever_less_often_and_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    stop, good, bad = threading.Event(), list[int](), list[int]()

    def work() -> None:
        good.append(1)
        if len(good) == 40:
            stop.set()

    def fail() -> None:
        bad.append(len(good))
        raise RuntimeError("broken on purpose")

    with caplog.at_level(logging.ERROR):
        repeat({"good": work, "bad": fail}, stop, interval_seconds=0.0001)
    assert len(good) == 40
    # After the first failure 2 turns are left out, then 4, then 8, ...
    assert bad == [1, 4, 9, 18, 35]
    assert [record.message for record in caplog.records] == ["bad failed; it is tried again"] * len(bad)


def test_a_step_that_is_well_again_is_taken_every_time() -> None:
    stop, turns = threading.Event(), list[int]()

    def work() -> None:
        turns.append(1)
        if len(turns) == 1:
            raise RuntimeError
        if len(turns) == 10:
            stop.set()

    repeat({"work": work}, stop, interval_seconds=0.0001)
    assert len(turns) == 10


def test_nothing_is_done_after_stop() -> None:
    stop = threading.Event()
    stop.set()
    repeat({"never": lambda: pytest.fail("was done")}, stop, interval_seconds=0.1)


def test_what_is_behind_goes_on_at_once_and_what_is_not_waits() -> None:
    stop, turns = threading.Event(), list[int]()

    def work() -> int:
        turns.append(1)
        if len(turns) == 5:
            stop.set()
        return 1

    # An interval of a minute: it would be waited for if the step were not eager.
    repeat({"work": work, "idle": lambda: 0}, stop, interval_seconds=60.0, eager=("work",))
    assert len(turns) == 5
