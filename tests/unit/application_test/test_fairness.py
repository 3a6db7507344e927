"""Protected groups against figures counted by hand, and what is said without Fairlearn."""

import sys
from typing import Any

import numpy as np
import pytest
from tests.unit.application_test.test_quality import BINARY, NUMBERS

from interlock.application_test.asking import AskedRows
from interlock.application_test.fairness import all_of, check_installed, protected_of
from interlock.application_test.held_out import HeldOut
from interlock.application_test.quality import truth_of
from interlock.domain.errors import InvalidInputError

pytest.importorskip("fairlearn")


def asked(labels: list[Any], answers: list[Any], output: str, groups: dict[str, list[Any]]) -> AskedRows:
    rows = HeldOut({"x": [0.0] * len(labels)}, labels, groups, len(labels))
    return AskedRows(rows, {at: {output: answer} for at, answer in enumerate(answers) if answer is not None})


def test_rates_of_two_classes_by_group() -> None:
    # Of 40 women 20 are `yes`, of whom 10 are found; of 40 men 20 are `yes`, and all are found.
    labels = (["yes"] * 20 + ["no"] * 20) * 2
    answers = ["yes"] * 10 + ["no"] * 30 + ["yes"] * 20 + ["no"] * 20
    sex = ["w"] * 40 + ["m"] * 40
    found = asked(labels, answers, "label", {"sex": sex})
    groups, gaps = protected_of(BINARY, found, truth_of(BINARY, labels), "sex")
    women = next(group for group in groups if group.value == "w")
    assert (women.kind, women.rows) == ("protected", 40)
    assert women.metrics == pytest.approx(
        {"accuracy": 0.75, "selection_rate": 0.25, "true_positive_rate": 0.5, "false_positive_rate": 0.0}
    )
    differences = {gap.metric: gap.difference for gap in gaps}
    assert differences == pytest.approx(
        {"accuracy": 0.25, "selection_rate": 0.25, "true_positive_rate": 0.5, "false_positive_rate": 0.0}
    )


def test_small_groups_are_shown_and_not_compared() -> None:
    labels = ["yes", "no"] * 20
    found = asked(labels, labels, "label", {"sex": ["w"] * 35 + ["m"] * 5})
    groups, gaps = all_of(BINARY, found, truth_of(BINARY, labels), ["sex"])
    assert {group.value: group.rows for group in groups} == {"m": 5, "w": 35}
    assert all(gap.difference is None for gap in gaps)


def test_numbers_by_group() -> None:
    labels = [*np.zeros(80).tolist(), None]
    found = asked(labels, [1.0] * 40 + [3.0] * 41, "prediction", {"age": ["young"] * 40 + ["old"] * 41})
    groups, (gap,) = protected_of(NUMBERS, found, truth_of(NUMBERS, labels), "age")
    assert {group.value: group.metrics["mae"] for group in groups} == {"old": 3.0, "young": 1.0}
    assert (gap.metric, gap.difference) == ("mae", 2.0)


def test_no_known_row_is_no_group() -> None:
    found = asked([None], ["yes"], "label", {"sex": ["w"]})
    assert protected_of(BINARY, found, truth_of(BINARY, [None]), "sex") == ([], [])


def test_without_fairlearn_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    check_installed()
    monkeypatch.setitem(sys.modules, "fairlearn.metrics", None)
    with pytest.raises(InvalidInputError, match=r"pip install 'interlock\[fairness\]'"):
        check_installed()
