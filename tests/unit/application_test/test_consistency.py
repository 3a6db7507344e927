import pytest

from interlock.application_test.caller import Reply
from interlock.application_test.consistency import differ


def answered(**outputs: list[object]) -> Reply:
    return Reply("answered", outputs)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (answered(label=["a"]), answered(label=["a"]), False),
        (answered(label=["a"]), answered(label=["b"]), True),
        (answered(probabilities=[[0.5, 0.5]]), answered(probabilities=[[0.500001, 0.499999]]), False),
        (answered(probabilities=[[0.5, 0.5]]), answered(probabilities=[[0.51, 0.49]]), True),
        (answered(vector=[[1.0]]), answered(vector=[[1.0, 2.0]]), True),
        (answered(prediction=[1.0]), answered(), True),
        (answered(prediction=[1e9]), answered(prediction=[1e9 + 1]), False),
        (answered(prediction=[1.0]), Reply("failed"), True),
        (Reply("refused"), answered(prediction=[1.0]), True),
    ],
)
def test_answers_differ_beyond_the_last_digits(one: Reply, other: Reply, expected: bool) -> None:
    assert differ(one, 0, other, 0) is expected


def test_rows_of_a_batch_are_found_by_their_place() -> None:
    batch = answered(label=["a", "b"])
    assert not differ(answered(label=["b"]), 0, batch, 1)
    assert differ(answered(label=["b"]), 0, batch, 0)
