from typing import Any

import pytest

from interlock.domain.contract import Contract, Datatype, Field, Image, Time
from interlock.domain.contract_diff import diff


def field(datatype: Datatype = "FP64", **more: Any) -> Field:
    return Field(name="x", datatype=datatype, **more)


def differences(old: Field, new: Field) -> list[tuple[str, str]]:
    return [
        (one.kind, one.what) for one in diff(Contract(inputs=(old,), outputs=()), Contract(inputs=(new,), outputs=()))
    ]


WALL, UTC_TIME = field("BYTES", time=Time()), field("BYTES", time=Time(zone="UTC"))
TUNED = field(is_parameter=True, default=1.0)
PHOTO = field("UINT8", shape=(8, 8, 3), image=Image(resize="bilinear"))


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (field("INT32"), field("INT64"), "compatible"),
        (field("UINT8"), field("INT16"), "compatible"),
        (field("INT64"), field("INT32"), "breaking"),
        (field("INT8"), field("UINT8"), "breaking"),
        (field("INT64"), field("FP64"), "compatible"),
        (field("INT64"), field("FP32"), "breaking"),
        (field("FP32"), field("FP64"), "compatible"),
        (field("FP64"), field("BYTES"), "breaking"),
        (field("BYTES"), WALL, "breaking"),
        (WALL, UTC_TIME, "breaking"),
        (UTC_TIME, field("BYTES", time=Time(zone="Europe/Berlin")), "compatible"),
        (UTC_TIME, field("INT64", time=Time(zone="UTC", unit="s")), "compatible"),
        (field("INT64", time=Time(zone="UTC", unit="s")), UTC_TIME, "breaking"),
        (WALL, field("BYTES", time=Time(is_date=True)), "breaking"),
        (field("UINT8", shape=(8, 8, 3)), PHOTO, "breaking"),
        (PHOTO, field("UINT8", shape=(8, 8, 3), image=Image()), "breaking"),
        (PHOTO, field("UINT8", shape=(8, 8, 3), image=Image(resize="nearest", max_pixels=100)), "breaking"),
        (field(), field(declared=True, maximum=5.0), "compatible"),
        (field(), field(privacy="hash"), "compatible"),
        (TUNED, field(), "breaking"),
        (TUNED, field(nullable=True), "compatible"),
        (field(), TUNED, "compatible"),
        (TUNED, field(is_parameter=True, default=2.0), "compatible"),
    ],
)
def test_a_difference_breaks_where_a_request_would_fail_or_mean_something_else(
    old: Field, new: Field, kind: str
) -> None:
    assert [found for found, _ in differences(old, new)] == [kind]


@pytest.mark.parametrize("same", [WALL, UTC_TIME, PHOTO, field()])
def test_a_field_does_not_differ_from_itself(same: Field) -> None:
    assert differences(same, same) == []


def test_how_a_model_takes_a_time_is_no_callers_business() -> None:
    assert differences(WALL, field("BYTES", time=Time(model_takes="text", resolution="ns"))) == []


def test_every_difference_is_named_by_what_it_is_about() -> None:
    old = Contract(
        inputs=(field(), Field(name="gone", datatype="FP64")),
        outputs=(Field(name="label", datatype="INT64"), Field(name="score", datatype="FP64")),
        task="binary",
        classes=(0, 1),
    )
    new = Contract(
        inputs=(field("BYTES"), Field(name="new", datatype="FP64")),
        outputs=(Field(name="label", datatype="BYTES"), Field(name="extra", datatype="FP64")),
        task="multiclass",
        classes=(0, 1, 2),
    )
    assert {(one.kind, one.name) for one in diff(old, new)} == {
        ("breaking", "input.x"),
        ("breaking", "input.gone"),
        ("breaking", "input.new"),
        ("breaking", "output.label"),
        ("breaking", "output.score"),
        ("compatible", "output.extra"),
        ("breaking", "task"),
        ("breaking", "classes"),
    }


def output(**more: Any) -> Field:
    return Field(name="prediction", datatype="FP64", **more)


def declared(low: float | None, high: float | None) -> Field:
    return output(minimum=low, maximum=high, declared=True)


@pytest.mark.parametrize(
    ("old", "new", "kind", "what"),
    [
        (output(shape=(2,)), output(shape=(3,)), "breaking", "changed shape from [2] to [3]"),
        (output(shape=(-1,)), output(shape=(3,)), "compatible", "changed shape from [-1] to [3]"),
        (output(shape=(3,)), output(shape=(-1,)), "breaking", "changed shape from [3] to [-1]"),
        (output(), output(shape=(1,)), "breaking", "changed shape from [] to [1]"),
        (declared(0, 1), declared(0.1, 0.9), "compatible", "is promised 0.1 to 0.9, and was 0 to 1"),
        (declared(0, 1), declared(0, 2), "breaking", "is promised 0 to 2, and was 0 to 1"),
        (declared(0, None), output(), "breaking", "is promised no range, and was at least 0"),
        (output(), declared(None, 9), "compatible", "is promised at most 9, and was no range"),
        (output(measured_in="km"), output(measured_in="miles"), "breaking", "is measured in miles, and was in km"),
        (output(), output(measured_in="km"), "compatible", "is now said to be measured in km"),
        (output(measured_in="km"), output(), "compatible", "was measured in km, and nothing says so any more"),
    ],
)
def test_outputs_differ_by_shape_range_and_unit(old: Field, new: Field, kind: str, what: str) -> None:
    (found,) = diff(Contract(inputs=(), outputs=(old,)), Contract(inputs=(), outputs=(new,)))
    assert (found.kind, found.name) == (kind, "output.prediction")
    assert found.what == f"output 'prediction' {what}"


def test_ranges_that_were_only_learnt_promise_nothing() -> None:
    old, new = output(minimum=0, maximum=1), output(minimum=5, maximum=9)
    assert diff(Contract(inputs=(), outputs=(old,)), Contract(inputs=(), outputs=(new,))) == ()


def test_another_unit_of_an_input_breaks_callers() -> None:
    assert differences(field(measured_in="kW"), field(measured_in="W")) == [
        ("breaking", "input 'x' is measured in W, and was in kW")
    ]
