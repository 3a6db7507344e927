import numpy as np
import pyarrow as pa
import pytest

from interlock.domain.contract import Contract, Field
from interlock.scoring.agreement import AgreementTally
from interlock.scoring.answered import Answered, change
from interlock.scoring.output_change import OutputTally

LABEL = Field(name="label", datatype="BYTES")
PROBABILITIES = Field(name="probabilities", datatype="FP64", shape=(2,))
CHAMPION = Contract(inputs=(), outputs=(LABEL, PROBABILITIES), task="binary", classes=("no", "yes"))
TURNED = Contract(inputs=(), outputs=(LABEL, PROBABILITIES), task="binary", classes=("yes", "no"))


def logged() -> Answered:
    rows = pa.table(
        {
            "output.label": pa.array(["no", "yes", "yes", None]),
            "output.probabilities": pa.array([[0.75, 0.25], [0.5, 0.5], [0.0, 1.0], None]),
        }
    )
    return Answered.logged(CHAMPION, rows)


def given(classes: Contract = TURNED) -> Answered:
    outputs = {
        "label": np.array(["no", "no", "yes", "yes"], dtype=object),
        "probabilities": np.array([[0.25, 0.75], [0.25, 0.75], [1.0, 0.0], [1.0, 0.0]]),
    }
    return Answered.given(CHAMPION, classes, outputs)


def test_classes_are_those_of_the_champion_whatever_their_order() -> None:
    answered = given()
    assert answered.classes is not None
    assert answered.probabilities is not None
    assert answered.classes.tolist() == [0, 0, 1, 1]
    assert answered.probabilities.tolist() == [[0.75, 0.25], [0.75, 0.25], [0.0, 1.0], [0.0, 1.0]]


def test_rows_without_a_logged_answer_are_not_there() -> None:
    assert logged().there.tolist() == [True, True, True, False]


def test_the_change_of_a_row_is_the_distance_of_its_probabilities() -> None:
    both = logged().there
    assert change(logged().take(both), given().take(both)).tolist() == [0.0, 0.25, 0.0]


def test_a_class_that_only_the_candidate_knows_is_another_answer() -> None:
    wider = Contract(inputs=(), outputs=(LABEL,), task="multiclass", classes=("no", "yes", "maybe"))
    only = Contract(inputs=(), outputs=(LABEL,), task="binary", classes=("no", "yes"))
    answered = Answered.given(only, wider, {"label": np.array(["maybe", "yes"], dtype=object)})
    assert answered.there.tolist() == [False, True]


def test_agreement_is_summed_over_batches() -> None:
    tally, both = AgreementTally(CHAMPION), logged().there
    champion, candidate = logged().take(both), given().take(both)
    for at in range(3):
        one = np.array([at])
        part = champion.take(one), candidate.take(one)
        tally.add(*part, change(*part))
    found = tally.result()
    assert found.rows == 3
    assert [found.same_share, found.mean_change, found.largest_change] == pytest.approx([2 / 3, 0.25 / 3, 0.25])
    assert found.flips == (("yes", "no", 1),)


def test_the_distribution_of_outputs_is_compared_on_the_same_rows() -> None:
    tally, there = OutputTally(CHAMPION, {}), logged().there
    tally.add(logged().take(there), given().take(there))
    label, score = tally.result()
    assert [label.output, score.output] == ["label", "score"]
    assert label.total_variation == pytest.approx(1 / 3)
    assert [name for name, _, _ in label.bins] == ["no", "yes"]
    assert [share for _, *both in label.bins for share in both] == pytest.approx([1 / 3, 2 / 3, 2 / 3, 1 / 3])
    assert [score.champion_mean, score.candidate_mean] == pytest.approx([1.75 / 3, 1.5 / 3])


def test_without_rows_nothing_is_claimed() -> None:
    assert AgreementTally(CHAMPION).result().same_share is None
    assert OutputTally(CHAMPION, {}).result() == ()
