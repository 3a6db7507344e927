"""Columns of the log's tables, and how a contract's names and types become columns.

Delta refuses names that differ only in case, and a column never changes its type. So a second field that would be the
same column gets the suffix `~2` (then `~3`, ...): `input.Age` beside `input.age`, or `input.age` as a whole number in
one version and as any number, or as text, in the next. The field that a column holds stands in the column's metadata
under `interlock.name`. Where a field was widened, from whole numbers to any, our own readers see one column for both.
"""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from interlock.domain.contract import Contract, Field

FIELD_NAME = b"interlock.name"

TIME = pa.timestamp("us", tz="UTC")

# No event of ours happened outside: 1900 to 2200. Readers may turn every logged time into a date.
EARLIEST_US = -2_208_988_800_000_000
LATEST_US = 7_258_118_400_000_000

PREDICTIONS = pa.schema(
    [
        ("prediction_id", pa.string()),
        ("request_id", pa.string()),
        ("request_row", pa.int32()),
        ("at", TIME),
        ("event_at", TIME),
        ("assigned_version", pa.string()),
        ("version", pa.string()),
        ("role", pa.string()),
        ("attempt_status", pa.string()),
        ("release_id", pa.string()),
        ("step", pa.int32()),
        ("unit", pa.string()),
        ("propensity", pa.float64()),
        ("latency_us", pa.int64()),
        ("model_us", pa.int64()),
        ("rows_in_batch", pa.int32()),
        # What privacy rules kept out of this row: `input.age`, `output.label`, `unit`.
        ("withheld", pa.list_(pa.string())),
        ("date", pa.date32()),
    ]
)
"""Columns of every predictions table; `input.<name>` and `output.<name>` come from the contract.

What is hashed stands in `input.<name>~hash`; the descriptors of an image in `input.<name>.<descriptor>`.
"""

LABELS = pa.schema(
    [
        ("prediction_id", pa.string()),
        ("request_id", pa.string()),
        ("request_row", pa.int32()),
        ("label", pa.string()),
        ("label_number", pa.float64()),
        ("label_text", pa.string()),
        ("observed_at", TIME),
        ("at", TIME),
        ("source", pa.string()),
        ("weight", pa.float64()),
        # Which of the labels that were accepted together: the later one wins.
        ("batch_row", pa.int32()),
    ]
)

DECISIONS = pa.schema(
    [field.with_name(field.name.replace("label", "decision")) for field in LABELS],
)
"""What people decided: the labels' columns, with `decision` in their place."""

REWARDS = pa.schema(
    [
        ("prediction_id", pa.string()),
        ("request_id", pa.string()),
        ("request_row", pa.int32()),
        ("name", pa.string()),
        ("value", pa.float64()),
        ("observed_at", TIME),
        ("at", TIME),
        ("source", pa.string()),
        ("weight", pa.float64()),
        ("batch_row", pa.int32()),
    ]
)

SCORES = pa.schema(
    [
        ("prediction_id", pa.string()),
        ("version", pa.string()),
        ("release_id", pa.string()),
        ("status", pa.string()),
        ("at", TIME),
    ]
)
"""Columns of every scores table; `output.<name>` come from the contract."""

TELEMETRY = pa.schema(
    [
        ("device", pa.string()),
        ("sensor", pa.string()),
        ("value", pa.float64()),
        ("at", TIME),
        ("received_at", TIME),
        ("source", pa.string()),
        # Of `received_at`: a device's clock may say anything.
        ("date", pa.date32()),
    ]
)
"""Columns of the one table of readings, of all devices."""

PARTITIONS: dict[str, list[str] | None] = {
    "predictions": ["date"],
    "labels": None,
    "scores": None,
    "decisions": None,
    "rewards": None,
    "telemetry": ["date"],
}


def field_types(contract: Contract) -> dict[str, pa.DataType]:
    """Arrow types of a contract's fields, by `input.<name>` and `output.<name>`.

    Examples:
        >>> number, vector = Field(name="x", datatype="FP32"), Field(name="v", datatype="FP32", shape=(3,))
        >>> {name: str(kind) for name, kind in field_types(Contract(inputs=(number, vector), outputs=())).items()}
        {'input.x': 'double', 'input.v': 'list<item: double>'}
    """
    inputs = {f"input.{field.name}": _field_type(field) for field in contract.inputs}
    return inputs | {f"output.{field.name}": _field_type(field) for field in contract.outputs}


def _field_type(field: Field) -> pa.DataType:
    if field.image is not None:
        return pa.string()  # the file's name
    kind = _element(field)
    for _ in field.shape:
        kind = pa.list_(kind)
    return kind


def _element(field: Field) -> pa.DataType:
    if field.time is not None:
        return pa.date32() if field.time.is_date else TIME
    if field.is_float:
        return pa.float64()
    if field.is_integer:  # Delta has no unsigned bytes
        return pa.int16() if field.shape and field.datatype == "UINT8" else pa.int64()
    return pa.bool_() if field.datatype == "BOOL" else pa.string()


def guess_type(values: Iterable[Any]) -> pa.DataType:
    """The type for a field that no contract names, from its first value."""
    value = next((value for value in values if value is not None), None)
    if isinstance(value, list):
        return pa.list_(pa.string() if value and isinstance(value[0], str) else pa.float64())
    kinds = {bool: pa.bool_(), int: pa.int64(), str: pa.string()}
    return kinds.get(type(value), pa.float64())


def place(present: pa.Schema, wanted: pa.Schema) -> pa.Schema:
    """Find or make a column for each wanted field.

    Args:
        present: Columns of the table so far.
        wanted: Fields by the names of the contract.

    Returns:
        A column for each field, in the order of `wanted`.

    Examples:
        >>> wanted = pa.schema([("input.Age", pa.int64()), ("input.age", pa.int64())])
        >>> place(pa.schema([("input.age", pa.string())]), wanted).names
        ['input.Age~2', 'input.age~3']
    """
    columns = {(field_name(column), _canonical(column.type)): column for column in present}
    taken = {column.name.lower() for column in present}
    placed = []
    for field in wanted:
        column = columns.get((field.name, _canonical(field.type)))
        if column is None:
            column = _new_column(field, taken)
            taken.add(column.name.lower())
        placed.append(column)
    return pa.schema(placed)


def widened(present: pa.Schema) -> dict[str, list[str]]:
    """Columns that hold one field, as whole numbers and as any numbers: all of them, by the name of the first.

    Examples:
        >>> field = {FIELD_NAME: b"input.x"}
        >>> widened(pa.schema([("input.x", pa.int64()), pa.field("input.x~2", pa.float64(), metadata=field)]))
        {'input.x': ['input.x', 'input.x~2']}
    """
    fields: dict[str, list[str]] = {}
    for column in present:
        if column.name.startswith(("input.", "output.")) and column.type in (pa.int64(), pa.float64()):
            fields.setdefault(field_name(column), []).append(column.name)
    return {columns[0]: columns for columns in fields.values() if len(columns) > 1}


def logical(present: pa.Schema) -> pa.Schema:
    """Columns as our own readers show them: a widened field is one column of any numbers.

    Args:
        present: Columns of the table.
    """
    merged = widened(present)
    hidden = {name for columns in merged.values() for name in columns[1:]}
    shown = [column.with_type(pa.float64()) if column.name in merged else column for column in present]
    return pa.schema([column for column in shown if column.name not in hidden])


def fits(present: pa.Schema, placed: pa.Schema) -> bool:
    """Whether each placed column is in the table, holding the same field, or can be added to it.

    Examples:
        >>> fits(pa.schema([("input.age", pa.string())]), pa.schema([("input.Age", pa.string())]))
        False
    """
    columns = {column.name.lower(): column for column in present}
    return all(_is_same(columns.get(column.name.lower(), column), column) for column in placed)


def _is_same(column: pa.Field, other: pa.Field) -> bool:
    return (column.name, field_name(column), _canonical(column.type)) == (
        other.name,
        field_name(other),
        _canonical(other.type),
    )


def _canonical(kind: pa.DataType) -> str:
    """The type as Delta sees it: how Arrow encodes it, and what it calls a list's items, says nothing of the values."""
    if pa.types.is_list(kind):
        return f"list<{_canonical(kind.value_type)}>"
    if pa.types.is_dictionary(kind):
        return _canonical(kind.value_type)
    return str(kind).removeprefix("large_")


def field_name(column: pa.Field) -> str:
    """The field that a column holds, as the contract calls it."""
    name: bytes | None = (column.metadata or {}).get(FIELD_NAME)
    return name.decode() if name else str(column.name)


def _new_column(field: pa.Field, taken: set[str]) -> pa.Field:
    name, number = field.name, 1
    while name.lower() in taken:
        number += 1
        name = f"{field.name}~{number}"
    return pa.field(name, field.type, metadata={FIELD_NAME: field.name.encode()} if number > 1 else None)
