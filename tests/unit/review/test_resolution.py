"""The diagram in the module's docstring, letter by letter."""

from datetime import UTC, datetime
from typing import Any

import pytest

from interlock.domain.annotation import RULES, Answer, Rule
from interlock.review.resolution import resolve

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def said(*labels: Any) -> list[Answer]:
    return [
        Answer(prediction_id="p", annotator=f"a{number}", label=label, at=NOON) for number, label in enumerate(labels)
    ]


def state(answers: list[Answer], rule: Rule = "majority", fewest: int = 1) -> tuple[str, Any]:
    return tuple(resolve(answers, rule=rule, fewest=fewest, is_classes=True))


@pytest.mark.parametrize("rule", RULES)
def test_a_answers_are_too_few_until_there_are_enough(rule: Rule) -> None:
    assert state([], rule) == ("too_few", None)
    assert state(said("late"), rule, fewest=2) == ("too_few", None)


def test_b_what_more_people_say_stands_and_what_all_say_by_either_rule() -> None:
    assert state(said("late", "on time", "late")) == ("resolved", "late")
    assert state(said("late", "late"), "unanimous") == ("resolved", "late")
    assert state(said("late", "late", "on time", "cancelled")) == ("resolved", "late")


def test_c_a_tie_is_contested_and_so_is_any_other_view_where_all_must_agree() -> None:
    assert state(said("late", "on time")) == ("contested", None)
    assert state(said("late", "late", "on time"), "unanimous") == ("contested", None)


def test_classes_keep_their_type() -> None:
    assert state(said(True, True, False)) == ("resolved", True)
    assert state(said(3, 3)) == ("resolved", 3)


def test_of_numbers_the_median_stands() -> None:
    assert resolve(said(1.0, 2.0, 90.0), rule="majority", fewest=1, is_classes=False).label == 2.0
    assert resolve(said(1.0, 2.0), rule="unanimous", fewest=1, is_classes=False).label == 1.5
