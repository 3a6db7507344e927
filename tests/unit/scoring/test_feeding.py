import numpy as np
import pyarrow as pa
import pytest

from interlock.domain.contract import Contract, Field
from interlock.predictions.log_schema import FIELD_NAME
from interlock.scoring.feeding import UnfeedableError, feed


def contract(*fields: Field) -> Contract:
    return Contract(inputs=fields, outputs=())


def test_columns_get_the_types_of_the_contract_that_is_asked() -> None:
    rows = pa.table(
        {
            "input.amount": [1, 2, 3],
            "input.visits": [1.0, 2.0, 3.0],
            "input.trial": [True, False, True],
            "input.plan": ["free", None, "pro"],
            "input.more": [1, 1, 1],
        }
    )
    fed = feed(
        contract(
            Field(name="amount", datatype="FP32"),
            Field(name="visits", datatype="INT64"),
            Field(name="trial", datatype="BOOL"),
            Field(name="plan", datatype="BYTES", nullable=True),
        ),
        rows,
    )
    assert {name: values.dtype for name, values in fed.columns.items()} == {
        "amount": np.float64,
        "visits": np.int64,
        "trial": np.bool_,
        "plan": np.object_,
    }
    assert fed.columns["plan"].tolist() == ["free", None, "pro"]
    assert (fed.index.tolist(), fed.reason) == ([0, 1, 2], "")


def test_missing_numbers_are_nan_and_rows_without_a_whole_number_are_left_out() -> None:
    rows = pa.table({"input.x": [1.0, None, 3.0], "input.n": [1, 2, None]})
    fed = feed(contract(Field(name="x", datatype="FP64"), Field(name="n", datatype="INT64")), rows)
    assert fed.index.tolist() == [0, 1]
    assert np.isnan(fed.columns["x"][1])
    assert fed.columns["n"].tolist() == [1, 2]
    assert fed.reason == "inputs without value: n"


def test_of_columns_for_one_field_the_filled_one_is_taken() -> None:
    other = pa.field("input.Age~2", pa.float64(), metadata={FIELD_NAME: b"input.Age"})
    schema = pa.schema([pa.field("input.age", pa.float64()), pa.field("input.Age", pa.string()), other])
    rows = pa.table([[7.0, 8.0], pa.nulls(2, pa.string()), [1.0, 2.0]], schema=schema)
    fed = feed(contract(Field(name="Age", datatype="FP64"), Field(name="age", datatype="FP64")), rows)
    assert fed.columns["Age"].tolist() == [1.0, 2.0]
    assert fed.columns["age"].tolist() == [7.0, 8.0]


def test_vectors_keep_their_shape() -> None:
    rows = pa.table({"input.v": [[1.0, 2.0], [3.0, 4.0]]})
    assert feed(contract(Field(name="v", datatype="FP32", shape=(2,))), rows).columns["v"].shape == (2, 2)


def test_a_nullable_input_that_the_log_lacks_is_missing() -> None:
    fed = feed(contract(Field(name="new", datatype="FP64", nullable=True)), pa.table({"input.x": [1.0, 2.0]}))
    assert np.isnan(fed.columns["new"]).all()


@pytest.mark.parametrize(
    ("field", "column", "said"),
    [
        (Field(name="y", datatype="FP64"), [1.0], "lacks input 'y'"),
        (Field(name="x", datatype="FP64"), ["many"], "logged as string"),
        (Field(name="x", datatype="INT64"), [1.5], "logged as double"),
        (Field(name="x", datatype="FP64", shape=(-1,)), [[1.0], [1.0, 2.0]], "different shapes"),
    ],
)
def test_rows_that_cannot_be_fed_are_refused_with_the_reason(field: Field, column: list[object], said: str) -> None:
    with pytest.raises(UnfeedableError, match=said):
        feed(contract(field), pa.table({"input.x": column}))
