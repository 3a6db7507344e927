from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from tests.prediction_records import packed

from interlock.domain.block import Block
from interlock.predictions import parts
from interlock.predictions.log_schema import TIME
from interlock.predictions.prediction_rows import convert
from interlock.predictions.records import PredictionRecord

Make = Callable[..., PredictionRecord]
TYPES = {"input.x": pa.float64(), "input.kind": pa.string(), "output.label": pa.bool_()}


def test_every_row_has_its_request_and_its_own_values(record: Make) -> None:
    table = convert([record(1), record(2, rows=2, latency_us=7)], TYPES).table
    assert table is not None
    assert table.column_names[:3] == ["prediction_id", "request_id", "request_row"]
    assert table["prediction_id"].to_pylist() == ["p1-0", "p2-0", "p2-1"]
    assert table["request_row"].to_pylist() == [0, 0, 1]
    assert table["rows_in_batch"].to_pylist() == [1, 2, 2]
    assert table["latency_us"].to_pylist() == [900, 7, 7]
    assert table["input.x"].to_pylist() == [1.0, 2.0, 2.0]
    # No contract names it: the values do.
    assert table["output.probabilities"].to_pylist() == [[0.25, 0.75]] * 3


def test_events_are_dated_by_when_they_happened(record: Make) -> None:
    day = 86_400_000_000
    records = [record(0), record(0, rows=2, event_at_us=[day, day]), record(0, rows=2, event_at_us=[-1, 2 * day])]
    table = convert(records, TYPES).table
    assert table is not None
    assert table["date"].to_pylist() == [
        date(2013, 4, 3), date(1970, 1, 2), date(1970, 1, 2), date(1969, 12, 31), date(1970, 1, 3),
    ]  # fmt: skip
    assert table["event_at"][1].as_py() == datetime(1970, 1, 2, tzinfo=UTC)


def test_missing_is_null_however_it_was_said(record: Make) -> None:
    said: list[dict[str, list[Any]]] = [{"x": [float("nan")], "kind": [None]}, {"x": [None]}, {}]
    table = convert([record(inputs=inputs) for inputs in said], TYPES).table
    assert table is not None
    assert table["input.x"].null_count == 3
    assert table["input.kind"].null_count == 3


@pytest.mark.parametrize(
    "misfit",
    [
        {"inputs": {"x": ["text"], "kind": ["a"]}},
        {"inputs": {"x": [1.0, 2.0], "kind": ["a"]}},
        {"inputs": {"x": [[1.0]], "kind": ["a"]}},
        {"inputs": {"n": [1.5]}},
        {"inputs": {"n": [2**70]}},
        {"outputs": {"label": ["yes"]}},
        {"event_at_us": [10**18]},
        {"event_at_us": [1, 2, 3]},
    ],
)
def test_a_record_that_does_not_fit_costs_no_other(record: Make, misfit: dict[str, Any]) -> None:
    bad = record(99, **misfit)
    records = [record(number) for number in range(7)]
    found = convert([*records[:3], bad, *records[3:]], {**TYPES, "input.n": pa.int64()})
    assert found.misfits == [bad]
    assert found.table is not None
    assert found.table["request_id"].to_pylist() == [f"q{number}" for number in range(7)]


def test_requests_answered_together_are_rows_of_their_own(record: Make) -> None:
    one, two, three = record(1), record(2, rows=2, unit="ann"), record(3)
    together = msgspec.structs.replace(
        one,
        prediction_ids=[*one.prediction_ids, *two.prediction_ids, *three.prediction_ids],
        request_ids=["q1", None, "q3"],
        units=[None, "ann", None],
        latencies_us=[5, 6, 7],
        rows=[1, 2, 1],
        inputs=packed({"x": [1.0, 2.0, 2.5, 3.0], "kind": ["a", "b", "c", "d"]}),
        outputs=packed({"label": [True] * 4}),
    )
    assert together.is_sound
    table = convert([record(0), together], TYPES).table
    assert table is not None
    found = table.select(
        ["prediction_id", "request_id", "request_row", "unit", "latency_us", "rows_in_batch", "input.x"]
    )
    assert [tuple(row.values()) for row in found.to_pylist()] == [
        ("p0-0", "q0", 0, "p0-0", 900, 1, 0.0),
        ("p1-0", "q1", 0, "p1-0", 5, 1, 1.0),
        ("p2-0", "p2-0", 0, "ann", 6, 2, 2.0),
        ("p2-1", "p2-0", 1, "ann", 6, 2, 2.5),
        ("p3-0", "q3", 0, "p3-0", 7, 1, 3.0),
    ]


def test_numbers_side_by_side_are_columns(record: Make) -> None:
    block = Block(("x", "y"), np.array([[1.0, np.nan], [3.0, 4.0]]))
    blocks = [msgspec.structs.replace(record(number, rows=2), inputs=parts.pack(block)) for number in (1, 2)]
    table = convert(blocks, TYPES).table
    assert table is not None
    assert table["input.x"].to_pylist() == [1.0, 3.0] * 2
    assert table["input.y"].to_pylist() == [None, 4.0] * 2


@pytest.mark.parametrize("shape", [(2, 3), (4, 0), (1, 2, 2)])
def test_tensors_come_back_in_their_shape(record: Make, shape: tuple[int, ...]) -> None:
    values = np.arange(float(np.prod(shape) * 3)).reshape(3, *shape)
    made = [msgspec.structs.replace(record(n), inputs=parts.pack({"t": values[n : n + 1]})) for n in range(3)]
    table = convert(made, {}).table
    assert table is not None
    assert table["input.t"].to_pylist() == values.tolist()


def test_nothing_fits(record: Make) -> None:
    bad = [record(number, inputs={"x": ["text"]}) for number in range(3)]
    found = convert(bad, TYPES)
    assert (found.table, found.misfits) == (None, bad)


def test_values_come_back_as_they_were(record: Make) -> None:
    values = np.random.default_rng(1).normal(size=100).tolist()
    table = convert([record(n, inputs={"x": [value]}) for n, value in enumerate(values)], TYPES).table
    assert table is not None
    assert table["input.x"].to_pylist() == values


def test_a_rule_that_changed_between_records_costs_no_row(record: Make) -> None:
    before, after = record(1, inputs={"x": [1.0]}), record(2, inputs={"x~hash": ["0" * 32]}, withheld=["input.x"])
    found = convert([before, after, before], {"input.x": pa.float64()})
    assert found.misfits == []
    assert found.table is not None
    assert found.table["input.x"].to_pylist() == [1.0, None, 1.0]
    assert found.table["input.x~hash"].to_pylist() == [None, "0" * 32, None]
    assert found.table["withheld"].to_pylist() == [None, ["input.x"], None]


def test_times_are_dates_and_instants(record: Make) -> None:
    times = np.array(["2026-03-01", "NaT"], dtype="datetime64[us]")
    given = record(1, rows=2, inputs={"x": [1.0, 2.0]})
    given = msgspec.structs.replace(given, inputs=parts.pack({"day": times, "at": times}))
    found = convert([given, record(2, inputs={})], {"input.day": pa.date32(), "input.at": TIME}).table
    assert found is not None
    assert found["input.day"].to_pylist() == [date(2026, 3, 1), None, None]
    assert found["input.at"].to_pylist() == [datetime(2026, 3, 1, tzinfo=UTC), None, None]


def test_who_only_counts_leaves_images_out(record: Make) -> None:
    part = parts.pack_images("photo", [b"file"], 1.0)
    found = convert([msgspec.structs.replace(record(1), inputs=[part])], {}).table
    assert found is not None
    assert not [name for name in found.column_names if "photo" in name]
