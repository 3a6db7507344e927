from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Field, Time
from interlock.domain.errors import InvalidInputError
from interlock.gateway.columns import ColumnReader
from interlock.gateway.faults import Faults
from interlock.gateway.tensors import Tensor


def at(time: Time | None = None, **more: Any) -> Field:
    time = time or Time()
    return Field(name="at", datatype="BYTES" if time.unit is None else "INT64", time=time, **more)


def read(field: Field, values: list[Any], datatype: str | None = None, shape: list[int] | None = None) -> NDArray[Any]:
    taking = ColumnReader(Contract(inputs=(field,), outputs=()))
    rows = taking.read([Tensor("at", shape or [len(values)], values, datatype)], Faults())
    return taking.join([rows])["at"]


def fault(field: Field, values: list[Any], datatype: str | None = None) -> str:
    with pytest.raises(InvalidInputError) as caught:
        read(field, values, datatype)
    return str(caught.value)


def test_texts_become_microseconds() -> None:
    found = read(at(), ["2026-03-01T12:00:00", "1969-12-31 23:59:59.999999"], "BYTES")
    assert found.dtype == "datetime64[us]"
    assert found.tolist() == [np.datetime64("2026-03-01T12:00").tolist(), np.datetime64(-1, "us").tolist()]


def test_an_offset_is_asked_for_or_refused_by_the_contract() -> None:
    assert "without Z or offset (the contract has no time zone)" in fault(at(), ["2026-03-01T12:00:00Z"])
    zoned = at(Time(zone="Europe/Berlin"))
    assert fault(zoned, ["2026-03-01T12:00:00"]) == (
        'at[0] == "2026-03-01T12:00:00", must be a time like 2026-03-01T12:00:00Z, with Z or an offset'
    )
    assert read(zoned, ["2026-03-01T12:00:00+02:00"]) == np.datetime64("2026-03-01T10:00", "us")


def test_integers_are_taken_where_the_contract_says_their_unit() -> None:
    assert read(at(Time(unit="s")), [1_000_000_000], "INT64") == np.datetime64("2001-09-09T01:46:40", "us")
    assert read(at(Time(unit="s")), [1_000_000_000.0]) == np.datetime64("2001-09-09T01:46:40", "us")
    assert read(at(Time(unit="s")), ["2001-09-09T01:46:40"], "BYTES") == np.datetime64("2001-09-09T01:46:40", "us")
    assert fault(at(), [5], "INT64") == 'at: datatype == "INT64", must be BYTES'
    assert "seconds since 1970 as an integer" in fault(at(Time(unit="s")), [1.5])
    assert "must be a time" in fault(at(), [True])


def test_missing_times_are_nat_where_the_contract_allows_it() -> None:
    assert np.isnat(read(at(nullable=True), [None, float("nan")])).all()
    assert fault(at(), [None]) == "at[0] == null, must not be missing"


def test_a_column_that_is_not_sent_is_missing() -> None:
    number = Field(name="x", datatype="FP64")
    taking = ColumnReader(Contract(inputs=(number, at(nullable=True)), outputs=()))
    rows = taking.read([Tensor("x", [2], [1.0, 2.0])], Faults())
    assert np.isnat(taking.join([rows])["at"]).all()


def test_a_single_time_is_no_matrix_of_numbers() -> None:
    taking = ColumnReader(Contract(inputs=(at(Time(unit="s")), Field(name="x", datatype="FP64")), outputs=()))
    with pytest.raises(InvalidInputError, match='input "any" is not known'):
        taking.read([Tensor("any", [1, 2], [1.0, 2.0], "FP64")], Faults())


def test_declared_bounds_are_told_as_times() -> None:
    bounded = at(declared=True, minimum=0.0, maximum=86_400.0)
    assert fault(bounded, ["1999-01-01T00:00:00"]) == (
        'at[0] == "1999-01-01T00:00:00", must be between 1970-01-01T00:00:00 and 1970-01-02T00:00:00'
    )
    assert read(at(minimum=0.0), ["1960-01-01T00:00:00"]).size == 1  # learnt bounds are watched, not enforced


def test_every_fault_of_a_column_is_named_with_its_row() -> None:
    assert fault(at(), ["x", "2026-03-01T12:00:00", 3]).count("at[") == 2


def test_times_may_come_as_a_column_of_one() -> None:
    assert read(at(), ["2026-03-01T12:00:00"], shape=[1, 1]).shape == (1,)
