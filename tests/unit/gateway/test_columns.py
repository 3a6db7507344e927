import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Datatype, Field
from interlock.domain.errors import InvalidInputError
from interlock.gateway.columns import ColumnReader
from interlock.gateway.faults import Faults
from interlock.gateway.tensors import Tensor

Values = list[Any] | NDArray[Any]


def reader(*fields: Field) -> ColumnReader:
    return ColumnReader(Contract(inputs=fields, outputs=()))


def field(datatype: Datatype = "FP64", **more: Any) -> Field:
    return Field(name="x", datatype=datatype, **more)


def read(x: Field, values: Values, datatype: str | None = None) -> tuple[NDArray[Any], list[Any]]:
    rows = reader(x).read([Tensor("x", (len(values),), values, datatype)], Faults())
    return rows.columns["x"], rows.plain["x"]


def fault(x: Field, values: Values, datatype: str | None = None) -> str:
    with pytest.raises(InvalidInputError) as caught:
        read(x, values, datatype)
    return str(caught.value)


def test_floats_take_integers_and_log_floats() -> None:
    array, plain = read(field(), [1, 2.5])
    assert array.dtype == np.float64
    assert plain == [1.0, 2.5]
    assert all(type(value) is float for value in plain)


@pytest.mark.parametrize("values", [[1.0, None], [None], np.array([1.0, np.nan]), [1.0, math.nan]])
def test_missing_numbers_are_nan_for_models_and_none_for_the_record(values: list[Any]) -> None:
    array, plain = read(field(nullable=True), values)
    assert np.isnan(array[-1])
    assert plain[-1] is None
    assert "x[" in fault(field(), values)


def test_infinity_is_refused_also_where_missing_is_allowed() -> None:
    assert fault(field(nullable=True), np.array([np.nan, np.inf])) == "x[1] == Infinity, must be a number"


def test_integers_take_whole_numbers_of_any_type() -> None:
    for values in ([5.0, 6], np.array([5.0, 6.0]), np.array([5, 6], dtype=np.uint8)):
        array, plain = read(field("INT64"), values)
        assert array.dtype == np.int64
        assert plain == [5, 6]
    assert fault(field("INT64"), np.array([5.5])) == "x[0] == 5.5, must be a whole number that fits INT64"
    assert fault(field("INT64"), np.array([np.nan])) == "x[0] == NaN, must be a whole number that fits INT64"
    assert fault(field("INT32"), [2**31]) == "x[0] == 2147483648, must be a whole number that fits INT32"
    assert "fits INT64" in fault(field("INT64"), np.array([2**63], dtype=np.uint64))
    assert fault(field("INT64", nullable=True), [None]) == "x[0] == null, must not be missing"


def test_kinds_do_not_mix() -> None:
    assert fault(field("BOOL"), [1]) == "x[0] == 1, must be true or false"
    assert fault(field("BYTES"), [1]) == "x[0] == 1, must be a text"
    assert fault(field("FP64"), [True]) == "x[0] == true, must be a number"
    assert fault(field("INT64"), [True]) == "x[0] == true, must be a whole number that fits INT64"
    assert fault(field("BOOL"), [True], "INT64") == 'x: datatype == "INT64", must be BOOL'


def test_values_must_have_the_datatype_they_claim() -> None:
    assert read(field(), [1, 2], "INT8")[1] == [1.0, 2.0]
    assert fault(field(), [1.5, 2], "INT8") == "x: values do not have the datatype that the request claims"


def test_learnt_ranges_are_not_enforced_and_declared_ones_are() -> None:
    limits: dict[str, Any] = {"minimum": 0.0, "maximum": 10.0}
    assert read(field(**limits), [99.0])[1] == [99.0]
    assert fault(field(**limits, declared=True), [5.0, 99.0]) == "x[1] == 99.0, must be between 0 and 10"
    colours = ("red", "blue")
    assert read(field("BYTES", categories=colours), ["green"])[1] == ["green"]
    assert fault(field("BYTES", categories=colours, declared=True), ["green"]) == (
        'x[0] == "green", must be one of red, blue'
    )


def test_vectors_keep_their_shape() -> None:
    found = reader(field(shape=(2, 2))).read([Tensor("x", (1, 2, 2), [1.0, 2.0, 3.0, 4.0])], Faults())
    assert found.columns["x"].tolist() == [[[1.0, 2.0], [3.0, 4.0]]]
    assert found.plain["x"] == [[[1.0, 2.0], [3.0, 4.0]]]
    with pytest.raises(InvalidInputError, match=r"x: shape == \[1, 3\], must be \[rows, 2\]"):
        reader(field(shape=(2,))).read([Tensor("x", (1, 3), [1.0, 2.0, 3.0])], Faults())
    with pytest.raises(InvalidInputError, match=r"x\[1\]\[0\] == null, must not be missing"):
        reader(field(shape=(2,))).read([Tensor("x", (2, 2), [1.0, 2.0, None, 3.0])], Faults())


def test_matrix_is_split_in_the_order_of_the_contract() -> None:
    fields = [Field(name="b", datatype="FP64"), Field(name="a", datatype="INT64")]
    rows = reader(*fields).read([Tensor("m", (2, 2), [1.5, 2, 3.5, 4])], Faults())
    assert rows.plain == {"b": [1.5, 3.5], "a": [2, 4]}
    with pytest.raises(InvalidInputError, match=r"a\[1\] == 4.5, must be a whole number"):
        reader(*fields).read([Tensor("m", (2, 2), [1.5, 2, 3.5, 4.5])], Faults())


FLOATS = [Field(name=name, datatype="FP64") for name in "ab"]


@pytest.mark.parametrize("values", [[1.5, 2.5, 3.5, 4.5], [1, 2.5, 3, 4.5], np.array([1.5, 2.5, 3.5, 4.5])])
def test_quick_and_slow_matrix_agree(values: list[float]) -> None:
    rows = reader(*FLOATS).read([Tensor("m", (2, 2), values)], Faults())
    assert rows.columns["a"].tolist() == rows.plain["a"] == [float(values[0]), float(values[2])]
    assert rows.columns["b"].tolist() == rows.plain["b"] == [2.5, 4.5]


def test_matrix_whose_sum_overflows_is_fine() -> None:
    rows = reader(*FLOATS).read([Tensor("m", (1, 2), [1e308, 1e308])], Faults())
    assert rows.plain == {"a": [1e308], "b": [1e308]}


def test_matrix_with_a_missing_number_is_refused_by_the_column_name() -> None:
    with pytest.raises(InvalidInputError, match=r"b\[0\] == NaN, must be a number"):
        reader(*FLOATS).read([Tensor("m", (1, 2), np.array([1.0, np.nan]))], Faults())


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(SCALARS, min_size=1, max_size=5),
    st.sampled_from(["FP64", "FP32", "INT64", "INT32", "BOOL", "BYTES"]),
    st.booleans(),
)
def test_whatever_comes_is_read_exactly_or_refused(values: list[Any], datatype: Datatype, nullable: bool) -> None:
    try:
        array, plain = read(field(datatype, nullable=nullable), values)
    except InvalidInputError as error:
        refused = str(error)
    else:
        refused = ""
        assert len(array) == len(values)
        json.dumps(plain, allow_nan=False)
        assert plain == [None if is_missing(value) else value for value in values]
    assert refused == "" or refused.startswith("x[")


def is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
