from typing import Any

import numpy as np
import pytest

from interlock.domain.contract import Contract
from interlock.domain.errors import UnloadableModelError
from interlock.registry.outputs import classes_of, of_answers, of_facts
from interlock.runtimes.facts import Facts
from interlock.runtimes.raw_answers import ANSWER

FACTS = Facts(kind="model")
PROBABILITIES = np.array([[0.2, 0.8], [0.9, 0.1]])


def learnt(answers: Any, truth: Any = None, facts: Facts = FACTS) -> tuple[Contract, list[str]]:
    warnings: list[str] = []
    given = answers if isinstance(answers, dict) else {ANSWER: np.asarray(answers)}
    return of_answers(given, facts, (), truth, warnings), warnings


def names(contract: Contract) -> list[str]:
    return [field.name for field in contract.outputs]


def test_rows_of_probabilities_beside_a_label_of_as_many_values_are_a_classifier() -> None:
    contract, warnings = learnt(PROBABILITIES, ["no", "yes"])
    assert (contract.task, contract.classes, names(contract)) == ("binary", ("no", "yes"), ["label", "probabilities"])
    assert "those of the label, sorted: no, yes" in warnings[0]


def test_one_number_between_0_and_1_beside_two_classes_is_the_probability_of_the_last() -> None:
    assert learnt([[0.2], [0.8]], [0, 1])[0].classes == (0, 1)
    assert learnt([0.2, 0.8], [False, True])[0].classes == (False, True)


def test_scores_that_are_no_probabilities_are_served_as_numbers_with_a_warning() -> None:
    contract, warnings = learnt([[-3.0, 2.0], [1.0, 1.0]], [0, 1])
    assert (contract.task, contract.outputs[0].shape) == ("regression", (2,))
    assert "end it with a softmax" in warnings[0]


def test_numbers_beside_a_label_of_numbers_are_a_regression() -> None:
    contract, warnings = learnt([1.5, 2.5], [0.25, 0.75, 1.0])
    assert (contract.task, names(contract), warnings) == ("regression", ["prediction"], [])


def test_a_vector_of_numbers_keeps_its_shape() -> None:
    assert learnt(np.zeros((4, 3)))[0].outputs[0].shape == (3,)
    assert learnt(np.zeros((4, 3, 2)))[0].outputs[0].shape == (3, 2)
    assert learnt(np.zeros((4, 1)))[0].outputs[0].shape == ()


@pytest.mark.parametrize("answers", [["yes", "no"], [True, False]])
def test_texts_and_booleans_are_labels(answers: Any) -> None:
    contract, _ = learnt(answers, sorted(set(answers)))
    assert names(contract) == ["label"]


def test_whole_numbers_are_labels_where_classes_are_known_only() -> None:
    assert names(learnt([0, 1], [0, 1])[0]) == ["label"]
    assert names(learnt([0, 1])[0]) == ["prediction"]
    assert names(learnt([0, 1], list(range(500)))[0]) == ["prediction"]


def test_named_outputs_are_taken_by_their_names() -> None:
    contract, _ = learnt({"label": np.array([0, 1]), "probabilities": PROBABILITIES}, [0, 1])
    assert names(contract) == ["label", "probabilities"]


def test_classes_that_are_declared_are_kept_in_their_order() -> None:
    contract, warnings = learnt(PROBABILITIES, facts=Facts(kind="m", classes=("yes", "no")))
    assert (contract.classes, warnings) == (("yes", "no"), [])


@pytest.mark.parametrize(
    ("answers", "facts", "named"),
    [
        ({"score": np.zeros(2)}, FACTS, "answers with score; must be one array"),
        (1.0, FACTS, "one value; must be one for each row"),
        (["a", "b"], FACTS, "does not name its classes; give --reference data with --label"),
        (np.zeros((2, 5)), Facts(kind="m", classes=("a", "b")), "declares 2 classes, and answers with 5 numbers"),
    ],
)
def test_what_cannot_be_served_is_refused_with_what_would_be(answers: Any, facts: Facts, named: str) -> None:
    with pytest.raises(UnloadableModelError, match=named):
        learnt(answers, facts=facts)


@pytest.mark.parametrize(
    ("count", "truth", "classes", "warned"),
    [
        (3, [0, 1, 2], (0, 1, 2), False),
        (3, [0, 2], (0, 1, 2), False),  # the reference lacks one
        (3, None, (0, 1, 2), True),
        (2, [False, True], (False, True), False),
        (3, ["a", "b", "c"], ("a", "b", "c"), True),
        (0, ["a", "b"], ("a", "b"), True),
    ],
)
def test_classes_of_a_model_that_knows_their_number_at_most(count: int, truth: Any, classes: Any, warned: bool) -> None:
    warnings: list[str] = []
    assert classes_of(Facts(kind="m", class_count=count), truth, warnings) == classes
    assert bool(warnings) == warned


@pytest.mark.parametrize(("count", "truth"), [(3, ["a", "b"]), (0, None), (2, [0, 1, 2])])
def test_classes_that_cannot_be_known_are_refused(count: int, truth: Any) -> None:
    with pytest.raises(UnloadableModelError, match="classes"):
        classes_of(Facts(kind="m", class_count=count), truth, [])


def test_a_task_that_is_known_needs_no_answers() -> None:
    assert of_facts(Facts(kind="m", task="regression", shape=(2,)), (), None, []).outputs[0].shape == (2,)
    contract = of_facts(Facts(kind="m", task="classifier", class_count=2, with_probabilities=False), (), [0, 1], [])
    assert names(contract) == ["label"]
