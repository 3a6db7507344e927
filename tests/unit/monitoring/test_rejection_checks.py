from datetime import UTC, datetime

import pytest

from interlock.monitoring.rejection_checks import check
from interlock.store.rejections import Rejection

NOON = datetime(2013, 4, 1, 12, tzinfo=UTC)


def rejections(total: int, **rules: int) -> list[Rejection]:
    return [Rejection(NOON, "", "", total), *(Rejection(NOON, name, "value", count) for name, count in rules.items())]


@pytest.mark.parametrize(
    ("refused", "answered", "outcome"),
    [(0, 100, "ok"), (1, 9, "ok"), (5, 995, "ok"), (60, 940, "breach"), (9, 0, "breach")],
)
def test_a_share_surely_above_one_in_a_hundred_is_a_breach(refused: int, answered: int, outcome: str) -> None:
    found = check(rejections(refused), answered, alpha=0.001)
    assert (found.signal, found.outcome, found.rows) == ("rejected", outcome, refused + answered)
    assert found.value == refused / (refused + answered)


def test_the_most_frequent_reasons_are_told() -> None:
    found = check([*rejections(30, x=20, y=25), Rejection(NOON, "", "form", 2)], 70, alpha=0.001)
    assert found.details["reasons"] == [
        {"field": "y", "rule": "value", "requests": 25},
        {"field": "x", "rule": "value", "requests": 20},
        {"field": "", "rule": "form", "requests": 2},
    ]
    assert found.details["reason"] == ("30 of 100 requests were refused; most often y value, x value, the request form")
