from datetime import UTC, datetime, timedelta

import pytest

from interlock.web.last_visit import Visit, next_visit, this_visit

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_the_first_visit_has_none_before_it() -> None:
    assert next_visit("", MONDAY) == Visit(None, MONDAY)


def test_a_reload_belongs_to_the_same_visit_and_a_later_look_is_a_new_one() -> None:
    first = next_visit("", MONDAY)
    second = next_visit(first.cookie(), MONDAY + 60 * MINUTE)
    assert second.since == MONDAY
    reload = next_visit(second.cookie(), MONDAY + 80 * MINUTE)
    assert reload.since == MONDAY
    third = next_visit(reload.cookie(), MONDAY + 200 * MINUTE)
    assert third.since == MONDAY + 80 * MINUTE


@pytest.mark.parametrize("cookie", ["x", "1", "1.2.3", ".", "0.0", "-5.-5", "9" * 40, "१.१", "1.<script>", "nan.nan"])
def test_whatever_else_is_in_the_cookie_counts_as_no_visit_or_an_old_one(cookie: str) -> None:
    found = next_visit(cookie, MONDAY)
    assert found.since is None or found.since <= MONDAY


def test_a_clock_that_goes_back_hides_nothing_for_long() -> None:
    future = Visit(None, MONDAY + timedelta(days=400)).cookie()
    assert next_visit(future, MONDAY).since is None
    assert next_visit(next_visit(future, MONDAY).cookie(), MONDAY + 60 * MINUTE).since == MONDAY


def test_a_page_that_stays_open_is_one_visit() -> None:
    second = next_visit(next_visit("", MONDAY).cookie(), MONDAY + 60 * MINUTE)
    assert this_visit(second.cookie(), MONDAY + 600 * MINUTE).since == MONDAY
    assert this_visit("", MONDAY).since is None
