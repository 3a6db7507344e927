import numpy as np
import pyarrow as pa
import pytest

from interlock.domain.contract import Contract, Field, Scalar
from interlock.predictions.answer_losses import class_indices, loss_of, row_losses

LABEL = Field(name="label", datatype="BYTES")
PROBABILITIES = Field(name="probabilities", datatype="FP64", shape=(2,))
BINARY = Contract(inputs=(), outputs=(LABEL, PROBABILITIES), task="binary", classes=("no", "yes"))


@pytest.mark.parametrize(
    ("classes", "texts", "expected"),
    [
        ((0, 1), ["0", "1", "1.0", "true", "False", "2", None], [0, 1, 1, 1, 0, -1, -1]),
        ((False, True), ["true", "false", "1", "0"], [1, 0, 1, 0]),
        (("late", "on time"), ["on time", "late", "?"], [1, 0, -1]),
        ((0.5, 2.0), ["2", "0.5", "2.0"], [1, 0, 1]),
        (("1", "2"), ["2", "1"], [1, 0]),
    ],
)
def test_labels_meet_their_class_however_they_are_written(
    classes: tuple[Scalar, ...], texts: list[str | None], expected: list[int]
) -> None:
    contract = Contract(inputs=(), outputs=(), task="multiclass", classes=classes)
    assert class_indices(contract, pa.chunked_array([pa.array(texts, pa.string())])).tolist() == expected


def test_the_brier_score_of_two_classes_is_the_squared_error_of_the_last() -> None:
    rows = pa.table(
        {
            "label": ["yes", "no", "?"],
            "champion.probabilities": [[0.25, 0.75], [0.5, 0.5], [0.5, 0.5]],
            "challenger.probabilities": [[0.5, 0.5], [1.0, 0.0], [0.5, 0.5]],
        }
    )
    found = row_losses("brier", BINARY, rows)
    assert found.usable.tolist() == [True, True, False]
    assert found.champion == pytest.approx([0.0625, 0.25])
    assert found.challenger == pytest.approx([0.25, 0.0])


def test_rows_without_an_answer_or_a_target_have_no_loss() -> None:
    rows = pa.table(
        {
            "label_number": [1.0, np.nan, 3.0],
            "champion.prediction": [1.5, 1.0, 1.0],
            "challenger.prediction": [0.0, 1.0, np.nan],
        }
    )
    found = row_losses("absolute_error", Contract(inputs=(), outputs=(), task="regression"), rows)
    assert found.usable.tolist() == [True, False, False]
    assert (found.champion.tolist(), found.challenger.tolist()) == ([0.5], [1.0])


def test_the_loss_follows_from_the_contract() -> None:
    assert loss_of(BINARY) == "brier"
    assert loss_of(Contract(inputs=(), outputs=(LABEL,), task="binary")) == "zero_one"
    assert loss_of(Contract(inputs=(), outputs=(), task="regression")) == "absolute_error"
    assert loss_of(Contract(inputs=(), outputs=())) is None
