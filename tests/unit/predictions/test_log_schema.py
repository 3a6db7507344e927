import pyarrow as pa

from interlock.domain.contract import Contract, Field
from interlock.predictions.log_schema import field_name, field_types, guess_type, place


def test_types_follow_the_contract() -> None:
    contract = Contract(
        inputs=(
            Field(name="a", datatype="FP32"),
            Field(name="b", datatype="INT32"),
            Field(name="c", datatype="BOOL"),
            Field(name="d", datatype="BYTES"),
            Field(name="e", datatype="INT64", shape=(3,)),
            Field(name="f", datatype="BYTES", shape=(-1,)),
        ),
        outputs=(Field(name="label", datatype="INT64"),),
    )
    assert field_types(contract) == {
        "input.a": pa.float64(),
        "input.b": pa.int64(),
        "input.c": pa.bool_(),
        "input.d": pa.string(),
        "input.e": pa.list_(pa.int64()),
        "input.f": pa.list_(pa.string()),
        "output.label": pa.int64(),
    }


def test_a_field_has_the_same_column_in_every_version() -> None:
    first = place(pa.schema([]), pa.schema([("input.x", pa.float64())]))
    assert place(first, pa.schema([("input.x", pa.float64())])) == first


def test_names_that_differ_only_in_case_and_types_that_changed_get_columns_of_their_own() -> None:
    present = place(pa.schema([]), pa.schema([("input.Age", pa.float64()), ("input.age", pa.float64())]))
    later = place(present, pa.schema([("input.age", pa.string()), ("input.age", pa.float64())]))
    assert present.names == ["input.Age", "input.age~2"]
    assert later.names == ["input.age~3", "input.age~2"]
    assert [field_name(column) for column in later] == ["input.age", "input.age"]


def test_types_are_guessed_from_the_first_value_there_is() -> None:
    values = ([None, True], [1], [0.5], ["a"], [[1.0]], [["a"]], [None])
    assert [str(guess_type(each)) for each in values] == [
        "bool", "int64", "double", "string", "list<item: double>", "list<item: string>", "double",
    ]  # fmt: skip
