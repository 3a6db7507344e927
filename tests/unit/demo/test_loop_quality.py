"""Before, at the worst, after: from days, whoever answered on them."""

from datetime import UTC, datetime, timedelta

import pytest

from interlock.demo.loop_quality import Day, by_day, measure

CHANGED_AT = datetime(2013, 10, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def days(values: list[float], first: datetime) -> list[Day]:
    return [Day(first + number * DAY, value, 100) for number, value in enumerate(values)]


def test_days_with_few_labels_say_nothing() -> None:
    at = CHANGED_AT.timestamp()
    rows = [{"day": at, "labels": 49, "value": 0.1}, {"day": at + 86_400, "labels": 50, "value": 0.8}]
    assert by_day(rows) == [Day(CHANGED_AT + DAY, 0.8, 50)]


def test_a_fall_and_a_recovery() -> None:
    before, after = days([0.9, 0.8], CHANGED_AT - 2 * DAY), days([0.5, 0.4, 0.6, 0.8, 0.8, 0.9], CHANGED_AT)
    found = measure([*before, *after], CHANGED_AT, CHANGED_AT + 3 * DAY, 0.7)
    assert (found.lowest, found.lowest_at) == (0.4, CHANGED_AT + DAY)
    assert [found.before, found.changed, found.after] == pytest.approx([0.85, 0.5, 2.5 / 3])
    assert found.recovered_at == CHANGED_AT + 3 * DAY


def test_two_good_days_among_bad_ones_are_no_recovery() -> None:
    found = measure(days([0.5, 0.8, 0.8, 0.5], CHANGED_AT), CHANGED_AT, None, 0.7)
    assert found.recovered_at is None
    assert found.after is None


def test_what_never_fell_has_not_recovered() -> None:
    assert measure(days([0.9, 0.9, 0.9, 0.9], CHANGED_AT), CHANGED_AT, None, 0.7).recovered_at is None


def test_without_days_nothing_is_known() -> None:
    found = measure([], CHANGED_AT, None, 0.7).as_json()
    assert found == {
        "metric": "accuracy", "before": None, "lowest": None, "changed": None, "after": None,
        "lowest_at": None, "recovered_at": None,
    }  # fmt: skip
