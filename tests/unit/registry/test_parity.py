from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Field
from interlock.domain.ports import Columns
from interlock.registry.parity import Trial

INPUTS = (Field(name="x", datatype="FP64", nullable=True, minimum=-2.0, maximum=2.0),)
CLASSIFIER = Contract(
    inputs=INPUTS,
    outputs=(Field(name="label", datatype="INT64"), Field(name="probabilities", datatype="FP64", shape=(2,))),
    task="binary",
    classes=(0, 1),
)
REGRESSOR = Contract(inputs=INPUTS, outputs=(Field(name="prediction", datatype="FP64"),), task="regression")
ROWS = {"x": np.array([-2.0, -1.0, 1.0, 2.0, np.nan])}


class Logistic:
    """A classifier; `shift` moves its probabilities, `missing` is what it does with nan."""

    def __init__(self, *, shift: float = 0.0, missing: str = "raise") -> None:
        self.shift, self.missing = shift, missing

    def predict(self, columns: Columns) -> dict[str, NDArray[Any]]:
        x = columns["x"]
        if self.missing == "raise" and np.isnan(x).any():
            raise ValueError("missing")
        p = 1 / (1 + np.exp(-(np.nan_to_num(x, nan=0.3) if self.missing == "answer" else x))) + self.shift
        return {"label": (p > 0.5).astype(int), "probabilities": np.column_stack([1 - p, p])}

    def close(self) -> None:
        """Nothing to free."""


class Line:
    """A regression."""

    def __init__(self, slope: float) -> None:
        self.slope = slope

    def predict(self, columns: Columns) -> dict[str, NDArray[Any]]:
        return {"prediction": 1e6 * self.slope * np.nan_to_num(columns["x"])}

    def close(self) -> None:
        """Nothing to free."""


def test_equal_answers_are_proven_with_the_worst_row_named() -> None:
    parity = Trial(Logistic(), CLASSIFIER, ROWS).prove(Logistic(shift=-1e-6))
    assert parity.proven
    assert parity.worst_difference == pytest.approx(1e-6)
    assert parity.worst_row is not None
    assert parity.rows == 5 + 6  # missing, zero, two bounds, each also tenfold


def test_answers_beyond_the_tolerance_are_not() -> None:
    parity = Trial(Logistic(), CLASSIFIER, ROWS).prove(Logistic(shift=-2e-5))
    assert not parity.proven
    assert "differ by up to 2e-05" in parity.reason


def test_another_class_is_not_proven_however_near_the_probabilities() -> None:
    # At x = 0, an edge row, the original says exactly one half.
    parity = Trial(Logistic(), CLASSIFIER, ROWS).prove(Logistic(shift=1e-7))
    assert not parity.proven
    assert "another class for 1 of 11 rows" in parity.reason
    assert parity.worst_row == {"x": 0.0}


def test_a_twin_that_answers_where_the_original_raises_is_not_proven() -> None:
    parity = Trial(Logistic(), CLASSIFIER, ROWS).prove(Logistic(missing="answer"))
    assert not parity.proven
    assert parity.reason == "the original refuses 2 row(s) that the twin answers"
    assert parity.worst_row == {"x": None}


def test_a_twin_that_refuses_where_the_original_answers_is_not_proven() -> None:
    parity = Trial(Logistic(missing="answer"), CLASSIFIER, ROWS).prove(Logistic())
    assert parity.reason == "the twin refuses 2 row(s) that the original answers"


def test_nan_and_an_exception_are_the_same_refusal() -> None:
    trial = Trial(Logistic(), CLASSIFIER, {"x": ROWS["x"][[0, 3, 4]]})
    assert trial.prove(Logistic(missing="nan")).proven


def test_an_original_that_answers_nothing_proves_nothing() -> None:
    broken = Logistic(shift=np.nan)
    parity = Trial(broken, CLASSIFIER, ROWS).prove(broken)
    assert (parity.proven, parity.reason) == (False, "the original answers none of the reference rows")


@pytest.mark.parametrize(("slope", "proven"), [(1 + 5e-6, True), (1 + 5e-5, False)])
def test_a_regression_is_compared_relative_to_its_size(slope: float, proven: bool) -> None:
    assert Trial(Line(1.0), REGRESSOR, ROWS).prove(Line(slope)).proven == proven
