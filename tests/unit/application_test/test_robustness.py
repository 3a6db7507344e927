from typing import Any

import pytest

from interlock.application_test.robustness import _values
from interlock.domain.contract import Field, Image, Time


def given(field: Field, *seen: Any) -> dict[str, Any]:
    return dict(_values(field, [*seen]))


def test_numbers_go_a_thousand_times_beyond_their_range() -> None:
    tried = given(Field(name="x", datatype="FP64"), 0.0, 2.0, None)
    assert (tried["extreme low"], tried["extreme high"]) == (-2000.0, 2002.0)
    assert tried["wrong type"] == "a text"
    learnt = given(Field(name="x", datatype="FP64", minimum=-10.0, maximum=10.0))
    assert (learnt["extreme low"], learnt["extreme high"]) == (-20_010.0, 20_010.0)


def test_whole_numbers_stay_within_their_datatype() -> None:
    tried = given(Field(name="x", datatype="INT8"), 1, 5)
    assert (tried["extreme low"], tried["extreme high"]) == (-128, 127)
    assert all(isinstance(tried[name], int) for name in ("extreme low", "extreme high"))


def test_texts_are_unseen_empty_and_long() -> None:
    tried = given(Field(name="x", datatype="BYTES", categories=("a",)), "a")
    assert (tried["unseen"], tried["empty"], len(tried["extreme"]), tried["wrong type"]) == (
        "never seen before", "", 10_000, 12345,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("time", "spelled"),
    [
        (Time(is_date=True), "9999-01-01"),
        (Time(), "9999-01-01T00:00:00"),
        (Time(zone="Europe/Berlin"), "9999-01-01T00:00:00Z"),
    ],
)
def test_times_are_spelled_as_their_kind_is(time: Time, spelled: str) -> None:
    assert given(Field(name="x", datatype="BYTES", time=time))["extreme high"] == spelled


@pytest.mark.parametrize(
    "field",
    [
        Field(name="x", datatype="BOOL"),
        Field(name="x", datatype="FP64", shape=(3,)),
        Field(name="x", datatype="UINT8", shape=(8, 8, 3), image=Image()),
    ],
)
def test_everything_else_gets_another_type(field: Field) -> None:
    assert given(field).keys() == {"wrong type"}
