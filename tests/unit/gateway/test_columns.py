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


def join(taking: ColumnReader, *tensors: Tensor) -> dict[str, NDArray[Any]]:
    """The columns of one request."""
    return dict(taking.join([taking.read(list(tensors), Faults())]))


def read(x: Field, values: Values, datatype: str | None = None) -> NDArray[Any]:
    return join(reader(x), Tensor("x", (len(values),), values, datatype))["x"]


def fault(x: Field, values: Values, datatype: str | None = None) -> str:
    with pytest.raises(InvalidInputError) as caught:
        read(x, values, datatype)
    return str(caught.value)


def test_floats_take_integers() -> None:
    array = read(field(), [1, 2.5])
    assert array.dtype == np.float64
    assert array.tolist() == [1.0, 2.5]


@pytest.mark.parametrize("values", [[1.0, None], [None], np.array([1.0, np.nan]), [1.0, math.nan]])
def test_missing_numbers_are_nan(values: list[Any]) -> None:
    assert np.isnan(read(field(nullable=True), values)[-1])
    assert "x[" in fault(field(), values)


def test_a_missing_number_breaks_no_declared_range() -> None:
    ranged = field(nullable=True, declared=True, minimum=0.0, maximum=9.0)
    for values in ([1.0, None], [None], np.array([1.0, np.nan])):
        assert np.isnan(read(ranged, values)[-1])
    assert fault(ranged, [10.0, None]) == "x[0] == 10.0, must be between 0 and 9"
    one_of = field(nullable=True, declared=True, categories=("1.0",))
    assert np.isnan(read(one_of, [1.0, None])[-1])


def test_infinity_is_refused_also_where_missing_is_allowed() -> None:
    assert fault(field(nullable=True), np.array([np.nan, np.inf])) == "x[1] == Infinity, must be a number"


def test_integers_take_whole_numbers_of_any_type() -> None:
    for values in ([5.0, 6], np.array([5.0, 6.0]), np.array([5, 6], dtype=np.uint8)):
        array = read(field("INT64"), values)
        assert array.dtype == np.int64
        assert array.tolist() == [5, 6]
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
    assert read(field(), [1, 2], "INT8").tolist() == [1.0, 2.0]
    assert fault(field(), [1.5, 2], "INT8") == "x: values do not have the datatype that the request claims"


def test_learnt_ranges_are_not_enforced_and_declared_ones_are() -> None:
    limits: dict[str, Any] = {"minimum": 0.0, "maximum": 10.0}
    assert read(field(**limits), [99.0]).tolist() == [99.0]
    assert fault(field(**limits, declared=True), [5.0, 99.0]) == "x[1] == 99.0, must be between 0 and 10"
    colours = ("red", "blue")
    assert read(field("BYTES", categories=colours), ["green"]).tolist() == ["green"]
    assert fault(field("BYTES", categories=colours, declared=True), ["green"]) == (
        'x[0] == "green", must be one of red, blue'
    )


def test_vectors_keep_their_shape() -> None:
    found = join(reader(field(shape=(2, 2))), Tensor("x", (1, 2, 2), [1.0, 2.0, 3.0, 4.0]))
    assert found["x"].tolist() == [[[1.0, 2.0], [3.0, 4.0]]]
    with pytest.raises(InvalidInputError, match=r"x: shape == \[1, 3\], must be \[rows, 2\]"):
        reader(field(shape=(2,))).read([Tensor("x", (1, 3), [1.0, 2.0, 3.0])], Faults())
    with pytest.raises(InvalidInputError, match=r"x\[1\]\[0\] == null, must not be missing"):
        reader(field(shape=(2,))).read([Tensor("x", (2, 2), [1.0, 2.0, None, 3.0])], Faults())


def test_matrix_is_split_in_the_order_of_the_contract() -> None:
    fields = [Field(name="b", datatype="FP64"), Field(name="a", datatype="INT64")]
    found = join(reader(*fields), Tensor("m", (2, 2), [1.5, 2, 3.5, 4]))
    assert {name: values.tolist() for name, values in found.items()} == {"b": [1.5, 3.5], "a": [2, 4]}
    with pytest.raises(InvalidInputError, match=r"a\[1\] == 4.5, must be a whole number"):
        reader(*fields).read([Tensor("m", (2, 2), [1.5, 2, 3.5, 4.5])], Faults())


FLOATS = [Field(name=name, datatype="FP64") for name in "ab"]


@pytest.mark.parametrize("values", [[1.5, 2.5, 3.5, 4.5], [1, 2.5, 3, 4.5], np.array([1.5, 2.5, 3.5, 4.5])])
def test_quick_and_slow_matrix_agree(values: list[float]) -> None:
    found = join(reader(*FLOATS), Tensor("m", (2, 2), values))
    assert found["a"].tolist() == [float(values[0]), float(values[2])]
    assert found["b"].tolist() == [2.5, 4.5]


def test_matrix_whose_sum_overflows_is_fine() -> None:
    found = join(reader(*FLOATS), Tensor("m", (1, 2), [1e308, 1e308]))
    assert (found["a"].tolist(), found["b"].tolist()) == ([1e308], [1e308])


@pytest.mark.parametrize("values", [[1.5, None], np.array([1.5, np.nan])])
def test_matrix_may_lack_numbers_where_every_column_may(values: list[Any]) -> None:
    fields = [Field(name=name, datatype="FP64", nullable=True) for name in "ab"]
    found = join(reader(*fields), Tensor("m", (1, 2), values))
    assert found["a"].tolist() == [1.5]
    assert np.isnan(found["b"]).all()


def test_requests_join_in_order_however_they_were_given() -> None:
    taking = reader(*FLOATS)
    matrix = taking.read([Tensor("m", (2, 2), [1.0, 2.0, 3.0, 4.0])], Faults())
    array = taking.read([Tensor("m", (1, 2), np.array([5.0, 6.0]))], Faults())
    columns = taking.read([Tensor("a", (1,), [7.0]), Tensor("b", (1,), np.array([8.0]))], Faults())
    found = taking.join([matrix, array, columns])
    assert found["a"].tolist() == [1.0, 3.0, 5.0, 7.0]
    assert found["b"].tolist() == [2.0, 4.0, 6.0, 8.0]
    assert taking.join([matrix, array])["b"].tolist() == [2.0, 4.0, 6.0]


def test_matrix_with_a_missing_number_is_refused_by_the_column_name() -> None:
    with pytest.raises(InvalidInputError, match=r"b\[0\] == NaN, must be a number"):
        reader(*FLOATS).read([Tensor("m", (1, 2), np.array([1.0, np.nan]))], Faults())


@pytest.mark.parametrize("values", [[2**53 + 1], [1.5, -(2**53) - 1], np.array([2**53 + 1]), [10**400]])
def test_whole_numbers_that_a_double_would_change_are_refused(values: Values) -> None:
    assert "must be a number that a double holds exactly" in fault(field(), values)


def test_in_a_matrix_they_are_refused_too() -> None:
    two = (field(), Field(name="y", datatype="FP64"))
    with pytest.raises(InvalidInputError, match="holds exactly"):
        reader(*two).read([Tensor("m", (1, 2), np.array([2**53 + 1, 1]))], Faults())
    assert join(reader(*two), Tensor("m", (1, 2), np.array([2**53, 1])))["x"].tolist() == [2.0**53]


def test_large_whole_numbers_that_a_double_holds_are_taken() -> None:
    assert read(field(), [2**60, 2.5]).tolist() == [2.0**60, 2.5]
    assert read(field(), np.array([2**63], "u8")).tolist() == [2.0**63]


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(SCALARS, min_size=1, max_size=5),
    st.sampled_from(["FP64", "FP32", "INT64", "INT32", "BOOL", "BYTES"]),
    st.booleans(),
)
def test_whatever_comes_is_read_exactly_or_refused(values: list[Any], datatype: Datatype, nullable: bool) -> None:
    try:
        array = read(field(datatype, nullable=nullable), values)
    except InvalidInputError as error:
        refused = str(error)
    else:
        refused = ""
        found = [None if is_missing(value) else value for value in array.tolist()]
        assert found == [None if is_missing(value) else value for value in values]
    assert refused == "" or refused.startswith("x[")


def is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
