from datetime import UTC, datetime
from typing import Any

import pytest
from sklearn.metrics import cohen_kappa_score

from interlock.domain.annotation import Answer
from interlock.review import agreement

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def answers(**by_annotator: dict[str, Any]) -> list[Answer]:
    return [
        Answer(prediction_id=case, annotator=name, label=label, at=NOON)
        for name, said in by_annotator.items()
        for case, label in said.items()
    ]


def test_two_people_have_a_kappa_on_what_both_answered() -> None:
    ann = {"1": "a", "2": "a", "3": "b", "4": "b", "5": "a"}
    ben = {"1": "a", "2": "b", "3": "b", "4": "b", "6": "b"}
    found = agreement.measure(answers(ann=ann, ben=ben), is_classes=True)
    (pair,) = found.pairs
    both = sorted(ann.keys() & ben.keys())
    assert pair.kappa == pytest.approx(cohen_kappa_score([ann[case] for case in both], [ben[case] for case in both]))
    assert (pair.annotators, pair.cases, pair.agreement) == (("ann", "ben"), 4, 0.75)
    assert (found.cases, found.several, found.annotators) == (6, 4, {"ann": 5, "ben": 5})
    assert found.krippendorff_alpha is not None
    assert found.fleiss_kappa is None, "cases have different numbers of answers"


def test_three_people_on_all_cases_have_fleiss_too() -> None:
    said = {"1": True, "2": False, "3": True}
    found = agreement.measure(answers(ann=said, ben=said, cem=said | {"1": False}), is_classes=True)
    assert found.fleiss_kappa is not None
    assert [pair.annotators for pair in found.pairs] == [("ann", "ben"), ("ann", "cem"), ("ben", "cem")]


def test_numbers_agree_by_their_distance() -> None:
    close = agreement.measure(answers(ann={"1": 1.0, "2": 9.0}, ben={"1": 1.1, "2": 8.9}), is_classes=False)
    assert (close.krippendorff_alpha or 0) > 0.99
    assert (close.level, close.pairs) == ("interval", ())


def test_one_person_and_nobody_agree_with_no_one() -> None:
    alone = agreement.measure(answers(ann={"1": "a"}), is_classes=True)
    assert (alone.krippendorff_alpha, alone.pairs, alone.several) == (None, (), 0)
    assert agreement.measure([], is_classes=True).cases == 0
