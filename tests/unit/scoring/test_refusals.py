import numpy as np
import pytest

from interlock.domain.contract import Contract, Field
from interlock.scoring.refusals import refusals


def contract(*fields: Field) -> Contract:
    return Contract(inputs=fields, outputs=())


def texts(*values: str | None) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


def test_rows_that_keep_every_rule_are_not_refused() -> None:
    field = Field(name="x", datatype="FP64", nullable=True, minimum=0.0, maximum=1.0, declared=True)
    assert refusals(contract(field), {"x": np.array([0.0, 1.0, np.nan])}) == {}


@pytest.mark.parametrize(
    ("field", "values", "refused"),
    [
        (Field(name="x", datatype="FP64"), np.array([1.0, np.nan]), {1: "x == nan, must not be missing"}),
        (Field(name="x", datatype="BYTES"), texts("a", None), {1: "x == None, must not be missing"}),
        (
            Field(name="x", datatype="FP64", minimum=0.0, declared=True),
            np.array([-1.0, 5.0]),
            {0: "x == -1.0, must be between 0 and any"},
        ),
        (
            Field(name="x", datatype="BYTES", categories=("red", "white"), declared=True),
            texts("red", "blue"),
            {1: "x == 'blue', must be one of red, white"},
        ),
        (
            Field(name="x", datatype="INT8"),
            np.array([127, 128]),
            {1: "x == 128, must be a whole number that fits INT8"},
        ),
        (Field(name="x", datatype="FP32"), np.array([1.0, 1e39]), {1: "x == 1e+39, must be a number that fits FP32"}),
        (
            Field(name="x", datatype="FP64", shape=(3,)),
            np.zeros((1, 2)),
            {0: "x == a tensor of shape [2], must have the shape [3]"},
        ),
    ],
)
def test_a_row_that_breaks_a_rule_is_refused_with_its_value(
    field: Field, values: np.ndarray[tuple[int, ...], np.dtype[np.generic]], refused: dict[int, str]
) -> None:
    found = refusals(contract(field), {"x": values})
    assert {at: each.said for at, each in found.items()} == refused


def test_what_is_only_watched_refuses_nothing() -> None:
    watched = Field(name="x", datatype="FP64", minimum=0.0, maximum=1.0)
    assert refusals(contract(watched), {"x": np.array([7.0])}) == {}


def test_the_rule_alone_is_what_is_counted() -> None:
    found = refusals(contract(Field(name="x", datatype="FP64")), {"x": np.array([np.nan])})
    assert found[0].rule == "x must not be missing"
