from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tests.pictures import encode, pixels

from interlock.domain.contract import Contract, Field, Image, Time
from interlock.predictions.image_log import ImageLog
from interlock.predictions.log_schema import FIELD_NAME
from interlock.predictions.parts import LoggedImage
from interlock.scoring.feeding import UnfeedableError, complete, feed


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
        (Field(name="x", datatype="FP64", shape=(-1, 2)), [[1.0], [1.0, 2.0]], "of other shapes"),
    ],
)
def test_rows_that_cannot_be_fed_are_refused_with_the_reason(field: Field, column: list[object], said: str) -> None:
    with pytest.raises(UnfeedableError, match=said):
        feed(contract(field), pa.table({"input.x": column}))


def test_times_tensors_and_images_come_back_as_models_take_them(tmp_path: Path) -> None:
    log, picture = ImageLog(tmp_path), pixels(8, 6)
    names = log.columns("e", "input.photo", [LoggedImage(encode(picture), 1.0)] * 2, ["a", "b"])["input.photo"]
    rows = pa.table(
        {
            "input.day": pa.array([date(2026, 3, 1), None]),
            "input.at": pa.array([0, 1], pa.timestamp("us", "UTC")),
            "input.grid": [[[1], [2]], [[3, 4], [5, 6]]],
            "input.photo": names,
        }
    )
    fed = feed(
        contract(
            Field(name="day", datatype="BYTES", time=Time(is_date=True), nullable=True),
            Field(name="at", datatype="BYTES", time=Time(zone="UTC")),
            Field(name="grid", datatype="INT64", shape=(2, -1)),
            Field(name="photo", datatype="UINT8", shape=(4, 3, 3), image=Image(resize="nearest")),
        ),
        rows,
        partial(log.read, "e"),
    )
    assert fed.columns["day"].dtype == fed.columns["at"].dtype == "datetime64[us]"
    assert np.isnat(fed.columns["day"][1])
    assert [grid.tolist() for grid in fed.columns["grid"]] == [[[1], [2]], [[3, 4], [5, 6]]]
    assert fed.columns["photo"].shape == (2, 4, 3, 3)


def test_a_missing_time_is_not_made_up() -> None:
    rows = pa.table({"input.at": pa.array([0, None], pa.timestamp("us", "UTC"))})
    fed = feed(contract(Field(name="at", datatype="BYTES", time=Time())), rows)
    assert (fed.index.tolist(), fed.reason) == ([0], "inputs without value: at")


def test_what_a_privacy_rule_kept_out_is_refused_with_that_reason() -> None:
    fields = contract(Field(name="age", datatype="FP64", nullable=True), Field(name="name", datatype="BYTES"))
    rows = pa.table(
        {
            "input.age": [1.0, None, 3.0],
            "input.name": ["anna", "otto", None],
            "input.name~hash": [None, None, "0" * 32],
            "withheld": pa.array([None, ["input.age"], ["input.name", "unit"]], pa.list_(pa.string())),
        }
    )
    fed = feed(fields, rows)
    assert fed.index.tolist() == [0]
    assert fed.reason == "a privacy rule keeps the values of input.age, input.name out of the log"
    with pytest.raises(UnfeedableError, match=r"a privacy rule keeps the values of input\.age, input\.name out"):
        feed(fields, rows.slice(1))
    assert feed(contract(Field(name="age", datatype="FP64")), rows.slice(2)).columns["age"].tolist() == [3.0]


def test_images_that_were_not_kept_are_refused_with_that_reason() -> None:
    photo = contract(Field(name="photo", datatype="UINT8", shape=(8, 6, 3), image=Image()))
    rows = pa.table({"input.photo": pa.array([None, "ab/cd.png"], pa.string())})
    assert complete(photo, rows).rows.tolist() == [False, True]
    with pytest.raises(UnfeedableError, match=r"the log did not keep every image of input\.photo"):
        feed(photo, rows.slice(0, 1))
    with pytest.raises(UnfeedableError, match="nothing reads images here"):
        feed(photo, rows)
