from typing import Any

import pyarrow as pa
import pytest

from interlock.domain.contract import Contract, Scalar
from interlock.domain.errors import InvalidInputError
from interlock.learning import truth


def _classes(*classes: Scalar) -> Contract:
    return Contract(inputs=(), outputs=(), task="multiclass", classes=classes)


@pytest.mark.parametrize(
    ("classes", "texts", "expected"),
    [
        ((0, 1), ["0", "1", "true", "False", "1.0", "2", "late", None], [0, 1, 1, 0, 1, None, None, None]),
        ((False, True), ["false", "True", "1", "0"], [False, True, True, False]),
        (("early", "late"), ["late", "LATE", "never"], ["late", "late", None]),
        (("a", "A"), ["a", "A"], ["a", "A"]),
        ((0.5, 1.5), ["0.5", "1.50", "2"], [0.5, 1.5, None]),
    ],
)
def test_labels_become_classes_however_they_are_spelt(
    classes: tuple[Scalar, ...], texts: list[str | None], expected: list[Any]
) -> None:
    contract = _classes(*classes)
    found = truth.values(contract, pa.array(texts, pa.string()), pa.nulls(len(texts), pa.float64()))
    assert found.type == truth.label_type(contract)
    assert found.to_pylist() == expected


def test_numbers_are_taken_as_they_are_and_what_is_none_is_left_out() -> None:
    regression = Contract(inputs=(), outputs=(), task="regression")
    numbers = pa.array([1.5, None, float("nan"), float("inf")])
    assert truth.values(regression, pa.array(["1.5", "late", "nan", "inf"]), numbers).to_pylist() == [
        1.5,
        None,
        None,
        None,
    ]


def test_without_a_task_nothing_is_a_label() -> None:
    with pytest.raises(InvalidInputError, match="names no task"):
        truth.label_type(Contract(inputs=(), outputs=()))


def test_text_classes_are_given_to_scikit_learn_as_objects() -> None:
    contract = _classes("a", "b")
    labels = pa.chunked_array([pa.array(["b", "a"])])
    assert truth.as_trained(contract, labels).dtype == object
    assert truth.indices(contract, labels).tolist() == [1, 0]
