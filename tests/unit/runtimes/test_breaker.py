"""One test per transition of the diagram in `interlock.runtimes.breaker`."""

import pytest

from interlock.runtimes.breaker import FAILURES_TO_OPEN, PAUSE_SECONDS, Breaker


@pytest.fixture
def opened() -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES_TO_OPEN):
        breaker.failed(now=100.0)
    return breaker


def test_a_so_many_failures_in_a_row_open_it(opened: Breaker) -> None:
    assert not opened.allows(100.1)


def test_failures_with_a_success_between_do_not_open_it() -> None:
    breaker = Breaker()
    for _ in range(3 * FAILURES_TO_OPEN):
        for _ in range(FAILURES_TO_OPEN - 1):
            breaker.failed(now=100.0)
        breaker.succeeded()
    assert breaker.allows(100.0)


def test_b_after_a_pause_one_request_may_be_tried(opened: Breaker) -> None:
    later = 100.0 + PAUSE_SECONDS
    assert [opened.allows(later), opened.allows(later)] == [True, False]


def test_c_a_success_closes_it(opened: Breaker) -> None:
    assert opened.allows(100.0 + PAUSE_SECONDS)
    opened.succeeded()
    assert [opened.allows(103.0), opened.allows(103.0)] == [True, True]


def test_d_a_failure_opens_it_again(opened: Breaker) -> None:
    assert opened.allows(100.0 + PAUSE_SECONDS)
    opened.failed(now=103.0)
    assert not opened.allows(103.0 + PAUSE_SECONDS - 0.01)
