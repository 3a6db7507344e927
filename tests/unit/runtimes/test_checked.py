import logging
import re
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Field
from interlock.domain.errors import ModelFailedError
from interlock.domain.ports import Columns
from interlock.runtimes.checked import CheckedPredictor

CLASSIFIER = Contract(
    inputs=(Field(name="x", datatype="FP64"),),
    outputs=(Field(name="label", datatype="INT64"), Field(name="probabilities", datatype="FP64", shape=(2,))),
    task="binary",
    classes=(0, 1),
)
REGRESSOR = Contract(inputs=CLASSIFIER.inputs, outputs=(Field(name="prediction", datatype="FP64"),), task="regression")


class Says:
    """A predictor that says what it is given, or raises it."""

    def __init__(self, answer: dict[str, Any] | Exception) -> None:
        self.answer = answer

    def predict(self, columns: Columns) -> dict[str, NDArray[Any]]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return {name: np.asarray(values) for name, values in self.answer.items()}

    def close(self) -> None:
        """Nothing to free."""


def predict(contract: Contract, answer: dict[str, Any] | Exception, rows: int = 2) -> dict[str, NDArray[Any]]:
    return CheckedPredictor(Says(answer), contract, "m:1").predict({"x": np.zeros(rows)})


def refused(contract: Contract, answer: dict[str, Any] | Exception, rows: int = 2) -> ModelFailedError:
    with pytest.raises(ModelFailedError) as failed:
        predict(contract, answer, rows)
    return failed.value


def test_a_good_answer_passes_unchanged() -> None:
    answer = {"label": [0, 1], "probabilities": [[0.75, 0.25], [0.1, 0.9]]}
    assert predict(CLASSIFIER, answer)["label"].tolist() == [0, 1]


def test_no_rows_are_answered_with_no_rows() -> None:
    assert predict(CLASSIFIER, {"label": np.empty(0, int), "probabilities": np.empty((0, 2))}, rows=0)


@pytest.mark.parametrize(
    ("probabilities", "named"),
    [
        ([[0.5, 0.5], [np.nan, 0.5]], r"probabilities\[1\] == \[nan, 0.5\]"),
        ([[1.5, -0.5], [0.5, 0.5]], r"probabilities\[0\] == \[1.5, -0.5\]"),
        ([[0.5, 0.5], [0.5, 0.4]], r"probabilities\[1\]"),
        ([[0.2, 0.3, 0.5]] * 2, r"shape \[2, 3\], must have 2 a row"),
        ([0.5, 0.5], r"shape \[2\]"),
        ([[0.5, 0.5]], "has 1 rows"),
    ],
)
def test_probabilities_that_are_none_are_named(probabilities: Any, named: str) -> None:
    error = refused(CLASSIFIER, {"label": [0, 1], "probabilities": probabilities})
    assert error.status == "invalid_output"
    assert re.search(named, error.reason)


def test_rounding_within_the_tolerance_is_no_failure() -> None:
    answer = {"label": [0], "probabilities": [[1.0000005, -0.0000005]]}
    assert predict(CLASSIFIER, answer, rows=1)


def test_a_class_that_was_never_learnt_is_named() -> None:
    error = refused(CLASSIFIER, {"label": [0, 7], "probabilities": [[0.5, 0.5]] * 2})
    assert (error.status, error.reason) == ("invalid_output", "label[1] == 7, must be one of [0, 1]")


def test_a_missing_output_is_named() -> None:
    assert "'probabilities' is missing" in refused(CLASSIFIER, {"label": [0, 1]}).reason


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_named(value: float) -> None:
    error = refused(REGRESSOR, {"prediction": [1.0, value]})
    assert (error.status, error.reason) == ("invalid_output", f"prediction[1] == {value}, must be finite")


PROMISED = msgspec.structs.replace(
    REGRESSOR, outputs=(Field(name="prediction", datatype="FP64", minimum=0.0, maximum=9.0, declared=True),)
)


def test_a_number_outside_the_range_that_is_declared_is_named() -> None:
    assert predict(PROMISED, {"prediction": [0.0, 9.0]})["prediction"].tolist() == [0.0, 9.0]
    found = refused(PROMISED, {"prediction": [1.0, 9.5]})
    assert (found.status, found.reason) == (
        "invalid_output",
        "prediction[1] == 9.5, must be between 0 and 9, as declared",
    )


def test_a_range_that_was_only_learnt_refuses_nothing() -> None:
    learnt = msgspec.structs.replace(PROMISED.outputs[0], declared=False)
    assert predict(msgspec.structs.replace(PROMISED, outputs=(learnt,)), {"prediction": [1.0, 9.5]})


@pytest.mark.parametrize(
    ("shape", "given"), [((), [[1.0, 2.0], [3.0, 4.0]]), ((2,), [1.0, 2.0]), ((2,), [[1.0], [2.0]])]
)
def test_another_shape_than_promised_is_named(shape: tuple[int, ...], given: Any) -> None:
    contract = msgspec.structs.replace(
        REGRESSOR, outputs=(Field(name="prediction", datatype="FP64", shape=shape),), task="other"
    )
    with pytest.raises(ModelFailedError, match="prediction has shape") as failed:
        predict(contract, {"prediction": given})
    assert failed.value.status == "invalid_output"


def test_a_column_is_one_value_a_row() -> None:
    assert predict(REGRESSOR, {"prediction": [[1.0], [2.0]]})["prediction"].tolist() == [1.0, 2.0]


def test_rows_of_any_length_may_differ_in_shape() -> None:
    contract = msgspec.structs.replace(
        REGRESSOR, outputs=(Field(name="prediction", datatype="FP64", shape=(-1,)),), task="other"
    )
    assert predict(contract, {"prediction": [[1.0], [2.0]]})["prediction"].tolist() == [[1.0], [2.0]]


def test_an_exception_is_logged_with_its_traceback_and_told_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        error = refused(REGRESSOR, ValueError("bad value\nand its details"))
    assert (error.status, error.reason) == ("model_error", "ValueError: bad value")
    assert error.__cause__ is None
    assert "Traceback" in caplog.text


def test_a_failure_that_is_named_already_keeps_its_name() -> None:
    assert refused(REGRESSOR, ModelFailedError("m:1", "timeout", "late")).status == "timeout"
