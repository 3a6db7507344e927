from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from interlock.domain.contract import Contract, Scalar
from interlock.registry.outputs import classifier, numbers
from interlock.runtimes.raw_answers import ANSWER, outputs_of

NOTHING = Contract(inputs=(), outputs=())


def binary(classes: Sequence[Scalar] = ("no", "yes"), *, with_probabilities: bool = True) -> Contract:
    return classifier((), classes, with_probabilities=with_probabilities)


def test_without_outputs_an_array_is_given_as_it_is() -> None:
    assert outputs_of([1, 2], NOTHING)[ANSWER].tolist() == [1, 2]
    assert outputs_of({"a": [1]}, NOTHING)["a"].tolist() == [1]


@pytest.mark.parametrize("answer", [[[0.2, 0.8], [0.9, 0.1]], [0.8, 0.1], [[0.8], [0.1]], np.array([0.8, 0.1])])
def test_probabilities_of_both_or_of_the_last_of_two_classes(answer: Any) -> None:
    outputs = outputs_of(answer, binary())
    np.testing.assert_allclose(outputs["probabilities"], [[0.2, 0.8], [0.9, 0.1]])
    assert outputs["label"].tolist() == ["yes", "no"]


def test_a_label_that_is_given_is_not_replaced_by_the_most_probable() -> None:
    outputs = outputs_of({"label": ["yes"], "probabilities": [[0.6, 0.4]]}, binary())
    assert outputs["label"].tolist() == ["yes"]


@pytest.mark.parametrize(
    ("classes", "given"), [((False, True), [1, 0]), ((3, 7), [7.0, 3.0]), (("a", "b"), ["b", "a"])]
)
def test_labels_alone_get_the_type_of_the_classes(classes: Sequence[Scalar], given: Any) -> None:
    label = outputs_of(given, binary(classes, with_probabilities=False))["label"].tolist()
    assert [type(one) for one in label] == [type(classes[0])] * 2
    assert label == [classes[1], classes[0]]


def test_too_many_probabilities_give_no_label_so_that_they_are_refused() -> None:
    assert outputs_of([[0.1, 0.2, 0.7]], binary()).keys() == {"probabilities"}


def test_numbers() -> None:
    assert outputs_of([[1], [2]], numbers(()))["prediction"].tolist() == [1.0, 2.0]
    assert outputs_of([[1, 2]], numbers((), shape=(2,)))["prediction"].tolist() == [[1.0, 2.0]]
    assert outputs_of({"prediction": [3]}, numbers(()))["prediction"].tolist() == [3.0]


@pytest.mark.parametrize("contract", [numbers(()), binary(), binary(with_probabilities=False)])
def test_a_mapping_that_lacks_the_output_is_named(contract: Contract) -> None:
    with pytest.raises(KeyError, match=r"the answer has \['score'\], and lacks"):
        outputs_of({"score": [1.0]}, contract)
