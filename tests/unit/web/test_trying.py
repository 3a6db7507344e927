from typing import Any

import pytest

from interlock.domain.contract import Contract, Field, Image, Time
from interlock.web.trying import _inputs, faults_by_field, spell, value_of


def field(datatype: Any = "FP64", **more: Any) -> Field:
    return Field(name="x", datatype=datatype, **more)


@pytest.mark.parametrize(
    ("given", "text", "value"),
    [
        (field(), "12.5", 12.5),
        (field(), " -3 ", -3),
        (field(), "1e3", 1000.0),
        (field(), "12,5", "12,5"),
        (field(), "1_000", "1_000"),
        (field(), "nan", "nan"),
        (field("INT64"), "7", 7),
        (field("BOOL"), "true", True),
        (field("BOOL"), "perhaps", "perhaps"),
        (field("BYTES"), "12", "12"),
        (field("BYTES", nullable=True), "", None),
        (field(shape=(2,)), "[1, 2.5]", [1, 2.5]),
        (field(shape=(2,)), "1, 2", "1, 2"),
        (field("BYTES", time=Time(is_date=True)), "2026-01-31", "2026-01-31"),
        (field("BYTES", time=Time(zone="UTC")), "2026-01-31T12:00", "2026-01-31T12:00Z"),
        (field("BYTES", time=Time(zone="UTC")), "2026-01-31T12:00+02:00", "2026-01-31T12:00+02:00"),
        (field("INT64", time=Time(unit="s")), "2026-01-31T12:00", "2026-01-31T12:00"),
    ],
)
def test_what_a_person_writes_becomes_the_contracts_type_or_stays_to_be_refused(
    given: Field, text: str, value: Any
) -> None:
    found = value_of(given, text)
    assert found == value
    assert type(found) is type(value)


def test_what_is_left_empty_is_missing_unless_it_may_be() -> None:
    contract = Contract(
        inputs=(
            Field(name="needed", datatype="FP64"),
            Field(name="empty", datatype="FP64", nullable=True),
            Field(name="note", datatype="BYTES"),
            Field(name="photo", datatype="UINT8", shape=(8, 8, 1), image=Image()),
            Field(name="k", datatype="INT64", is_parameter=True, default=3),
        ),
        outputs=(),
    )
    texts = {"needed": "", "empty": "", "note": "", "k": "", "unknown": "1"}
    assert _inputs(contract, texts, {}) == {"empty": None, "note": ""}
    assert _inputs(contract, {"needed": "1", "k": "5"}, {"photo": b"png"}) == {
        "needed": 1, "empty": None, "photo": b"png", "k": 5,
    }  # fmt: skip


def test_a_fault_goes_to_the_field_that_it_names() -> None:
    sentence = 'age[0] == "a; b", must be a number; age group[0] == 1, must be a text; input "x" is missing; 0 rows'
    found, rest = faults_by_field(sentence, ["age", "age group", "x"])
    assert found == {
        "age": 'age[0] == "a; b", must be a number',
        "age group": "age group[0] == 1, must be a text",
        "x": 'input "x" is missing; 0 rows',
    }
    assert rest == ""


def test_a_fault_that_names_no_field_is_the_forms() -> None:
    assert faults_by_field("the server is full; come back", ["age"]) == ({}, "the server is full; come back")
    long = "n" * 200
    assert faults_by_field(f'input "{long[:59]}... is missing', [long]) == (
        {long: f'input "{long[:59]}... is missing'},
        "",
    )


def test_values_are_spelt_as_a_form_takes_them() -> None:
    assert [spell(each) for each in (True, 1.5, [1, 2], "late")] == ["true", "1.5", "[1,2]", "late"]
