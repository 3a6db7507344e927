import pyarrow as pa

from interlock.domain.contract import Contract, Field
from interlock.predictions.log_schema import field_name, field_types, fits, guess_type, logical, place, widened


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


def columns(*fields: tuple[str, pa.DataType]) -> pa.Schema:
    """As they come to be, one version after the other."""
    present = pa.schema([])
    for field in fields:
        (placed,) = place(present, pa.schema([field]))
        present = present.append(placed) if placed.name not in present.names else present
    return present


def test_a_widened_field_is_one_column_to_our_readers() -> None:
    present = columns(("input.x", pa.int64()), ("output.y", pa.float64()), ("input.x", pa.float64()))
    assert present.names == ["input.x", "output.y", "input.x~2"]
    assert widened(present) == {"input.x": ["input.x", "input.x~2"]}
    shown = logical(present)
    assert (shown.names, shown.types) == (["input.x", "output.y"], [pa.float64(), pa.float64()])
    narrowed = columns(("input.x", pa.float64()), ("input.x", pa.int64()))
    assert logical(narrowed) == pa.schema([("input.x", pa.float64())])


def test_fields_that_are_not_the_same_stay_apart() -> None:
    present = columns(
        ("input.x", pa.string()), ("input.x", pa.int64()), ("input.X", pa.float64()), ("input.x", pa.float64()),
        ("input.x", pa.bool_()), ("input.x", pa.list_(pa.float64())),
    )  # fmt: skip
    assert widened(present) == {"input.x~2": ["input.x~2", "input.x~4"]}
    assert logical(present).names == ["input.x", "input.x~2", "input.X~3", "input.x~5", "input.x~6"]
    assert [field_name(column) for column in logical(present)] == [
        "input.x",
        "input.x",
        "input.X",
        "input.x",
        "input.x",
    ]


def test_a_table_where_nothing_was_widened_is_shown_as_it_is() -> None:
    present = columns(("input.x", pa.int64()), ("input.y", pa.float64()), ("latency_us", pa.int64()))
    assert logical(present) is present or logical(present) == present


def test_placed_columns_fit_as_long_as_nobody_else_made_others_of_that_name() -> None:
    placed = columns(("input.x", pa.float64()), ("input.X", pa.float64()))
    assert fits(pa.schema([]), placed)
    assert fits(columns(("input.x", pa.float64())), placed)
    assert fits(
        columns(("input.v", pa.list_(pa.field("element", pa.float64())))), columns(("input.v", pa.list_(pa.float64())))
    )
    assert not fits(columns(("input.X", pa.float64())), placed)
    assert not fits(columns(("input.x", pa.string())), placed)
