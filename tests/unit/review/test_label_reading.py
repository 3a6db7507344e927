from typing import Any

import pytest

from interlock.domain.contract import Contract
from interlock.domain.errors import InvalidInputError
from interlock.review.label_reading import read_label

WORDS = Contract(inputs=(), outputs=(), task="multiclass", classes=("late", "Late", "on time"))
FLAGS = Contract(inputs=(), outputs=(), task="binary", classes=(False, True))
NUMBERS = Contract(inputs=(), outputs=(), task="multiclass", classes=(0, 1, 2))
TARGET = Contract(inputs=(), outputs=(), task="regression")
OTHER = Contract(inputs=(), outputs=())


@pytest.mark.parametrize(
    ("contract", "given", "label"),
    [
        (WORDS, "late", "late"),
        (WORDS, "Late", "Late"),
        (WORDS, " On Time ", "on time"),
        (FLAGS, "True", True),
        (FLAGS, "false", False),
        (FLAGS, True, True),
        (NUMBERS, "2", 2),
        (NUMBERS, "2.0", 2),
        (NUMBERS, 1.0, 1),
        (TARGET, "3.5", 3.5),
        (TARGET, 3, 3.0),
        (OTHER, "anything", "anything"),
    ],
)
def test_text_of_a_tool_is_the_class_or_number_that_it_means(contract: Contract, given: Any, label: Any) -> None:
    found = read_label(contract, given)
    assert (found, type(found)) == (label, type(label))


@pytest.mark.parametrize(
    ("contract", "given"),
    [(WORDS, "early"), (WORDS, ""), (WORDS, None), (NUMBERS, "7"), (NUMBERS, ["1"]), (TARGET, "much"), (TARGET, "nan")],
)
def test_what_means_none_is_refused_with_what_it_must_be(contract: Contract, given: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"must be (one of|a number)"):
        read_label(contract, given)
