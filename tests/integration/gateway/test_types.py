"""Every type of the contract, from what a caller sends to what the log gives back, and to what models see."""

import tempfile
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto
from tests.graphs import numbers, texts
from tests.pictures import encode, pixels
from tests.prediction_records import prediction

from interlock.domain import ragged
from interlock.domain.contract import Contract, Field, Image, Time
from interlock.domain.ports import Columns
from interlock.gateway.columns import ColumnReader, Rows
from interlock.gateway.faults import Faults
from interlock.gateway.tensors import Tensor
from interlock.predictions import prediction_rows
from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.hashing import Hasher
from interlock.predictions.image_log import ImageLog
from interlock.predictions.log_rules import LogRules
from interlock.predictions.log_schema import field_types, place
from interlock.predictions.records import PredictionRecord, decoder, encoder
from interlock.runtimes.onnx import OnnxPredictor
from interlock.scoring.feeding import feed

EVERY = Contract(
    inputs=(
        Field(name="double", datatype="FP64", nullable=True),
        Field(name="single", datatype="FP32"),
        Field(name="whole", datatype="INT64"),
        Field(name="small", datatype="INT8"),
        Field(name="flag", datatype="BOOL"),
        Field(name="text", datatype="BYTES", nullable=True),
        Field(name="colour", datatype="BYTES", categories=("red", "blue"), declared=True),
        Field(name="day", datatype="BYTES", time=Time(is_date=True), nullable=True),
        Field(name="wall", datatype="BYTES", time=Time()),
        Field(name="instant", datatype="INT64", time=Time(zone="Europe/Berlin", unit="ms"), nullable=True),
        Field(name="vector", datatype="FP32", shape=(2,)),
        Field(name="grid", datatype="INT64", shape=(2, -1)),
        Field(name="words", datatype="BYTES", shape=(-1,)),
        Field(name="bytes", datatype="UINT8", shape=(3,)),
        Field(name="photo", datatype="UINT8", shape=(-1, 2, 3), image=Image()),
    ),
    outputs=(Field(name="prediction", datatype="FP64"),),
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
SINGLES = st.floats(allow_nan=False, allow_infinity=False, width=32)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
LONGS = st.integers(-(2**63), 2**63 - 1)
MILLISECONDS = st.integers(-62_135_596_800_000, 253_402_300_799_999)


@st.composite
def requests(draw: st.DrawFn) -> list[list[Tensor]]:
    """One to three requests of one to three rows, as protocols hand them over."""
    return [draw(request()) for _ in range(draw(st.integers(1, 3)))]


@st.composite
def request(draw: st.DrawFn) -> list[Tensor]:
    rows, width, height = draw(st.integers(1, 3)), draw(st.integers(0, 3)), draw(st.integers(1, 3))

    def column(name: str, values: st.SearchStrategy[Any], datatype: str, *shape: int) -> Tensor:
        count = rows * int(np.prod(shape, dtype=np.int64))
        return Tensor(name, [rows, *shape], draw(st.lists(values, min_size=count, max_size=count)), datatype)

    photos = [encode(pixels(height, 2, 3, draw(st.integers(0, 9)))) for _ in range(rows)]
    return [
        column("double", st.none() | FLOATS, "FP64"),
        column("single", SINGLES, "FP32"),
        column("whole", LONGS, "INT64"),
        column("small", st.integers(-128, 127), "INT8"),
        column("flag", st.booleans(), "BOOL"),
        column("text", st.none() | TEXTS, "BYTES"),
        column("colour", st.sampled_from(["red", "blue"]), "BYTES"),
        column("day", st.none() | st.dates().map(date.isoformat), "BYTES"),
        column("wall", st.datetimes().map(datetime.isoformat), "BYTES"),
        column("instant", st.none() | MILLISECONDS, "INT64"),
        column("vector", SINGLES, "FP32", 2),
        column("grid", LONGS, "INT64", 2, width),
        column("words", TEXTS, "BYTES", width),
        column("bytes", st.integers(0, 255), "UINT8", 3),
        Tensor("photo", [rows], photos, "BYTES"),
    ]


def read(given: Sequence[Tensor], contract: Contract = EVERY) -> Rows:
    reader = ColumnReader(contract)
    rows = reader.read(list(given), Faults())
    if rows.undecoded is not None:
        reader.decode(rows)
    return rows


def logged(root: Path, given: Sequence[Rows], rules: LogRules) -> pa.Table:
    """What the Delta table holds of requests that were answered one by one and collected together."""
    hasher, reader = Hasher(root), ColumnReader(EVERY)
    records: list[PredictionRecord] = []
    for number, rows in enumerate(given):
        columns = reader.join([rows])
        record = prediction(
            number,
            rows=rows.count,
            inputs={},
            outputs={"prediction": [0.5] * rows.count},
            withheld=rules.withheld(columns, {"prediction": np.empty(0)}),
        )
        parts = rules.inputs(columns, rows.images or {}, hasher)
        stored = decoder.decode(encoder.encode(msgspec.structs.replace(record, inputs=parts)))
        assert isinstance(stored, PredictionRecord)
        records.append(stored)
    found = prediction_rows.convert(records, field_types(EVERY), ImageLog(root / "log"))
    assert found.misfits == []
    assert found.table is not None
    log = DeltaLog(root / "log")
    placed = place(log.schema("predictions", "wine"), found.table.schema)
    log.append("predictions", "wine", found.table.rename_columns(placed.names), {"gw0": 1})
    table = log.table("predictions", "wine")
    assert table is not None
    rows_back: pa.Table = pa.table(table.to_pyarrow_table()).sort_by("prediction_id")
    return rows_back


def plain(values: NDArray[Any]) -> list[Any]:
    """One comparable value a row; missing is None, and an array says its shape."""
    if ragged.is_ragged(values) or values.ndim > 1:
        rows: list[NDArray[Any]] = list(values)
        return [(row.shape, [None if one != one else one for one in row.ravel().tolist()]) for row in rows]
    return [None if value != value else value for value in values.tolist()]


@settings(max_examples=25, deadline=None)
@given(requests())
def test_what_the_gateway_takes_comes_back_from_the_log_equal(given: list[list[Tensor]]) -> None:
    taken = [read(each) for each in given]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        rows = logged(root, taken, LogRules(image_shares={"photo": 1.0}))
        images = ImageLog(root / "log")
        fed = feed(EVERY, rows, lambda file: images.read("wine", file))
    assert fed.index.tolist() == list(range(rows.num_rows))
    for field in EVERY.inputs:
        sent = [one for each in taken for one in plain(ColumnReader(EVERY).join([each])[field.name])]
        assert plain(fed.columns[field.name]) == sent, field.name


@settings(max_examples=10, deadline=None)
@given(requests())
def test_what_is_hashed_or_dropped_is_nowhere_in_the_log(given: list[list[Tensor]]) -> None:
    names = [field.name for field in EVERY.inputs]
    rules = LogRules({f"input.{name}": "drop" if at % 2 else "hash" for at, name in enumerate(names)}, {"photo": 1.0})
    with tempfile.TemporaryDirectory() as folder:
        rows = logged(Path(folder), [read(each) for each in given], rules)
        assert not (Path(folder) / "log" / "images").exists()
    inputs = [name for name in rows.column_names if name.startswith("input.")]
    assert sorted(inputs) == sorted(f"input.{name}~hash" for name in names[::2])
    for name in inputs:
        assert {len(value) for value in rows[name].to_pylist() if value is not None} <= {32}
    assert rows["withheld"].to_pylist() == [sorted(f"input.{name}" for name in names)] * rows.num_rows


def field(datatype: str, **more: Any) -> Field:
    return Field(name="x", datatype=datatype, **more)  # type: ignore[arg-type]  # one of the datatypes


MODELS: dict[str, tuple[Field, bytes, st.SearchStrategy[Any], tuple[int, ...]]] = {
    "double": (field("FP64"), numbers(TensorProto.DOUBLE, 1), st.floats(-1e6, 1e6), ()),
    "single": (field("FP32"), numbers(TensorProto.FLOAT, 1), st.floats(-1e3, 1e3, width=32), ()),
    "whole": (field("INT64"), numbers(TensorProto.INT64, 1), st.integers(-(2**40), 2**40), ()),
    "byte": (field("UINT8"), numbers(TensorProto.UINT8, 1), st.integers(0, 255), ()),
    "flag": (field("BOOL"), numbers(TensorProto.BOOL, 1), st.booleans(), ()),
    "category": (field("BYTES"), texts(), st.sampled_from(["red", "blue"]), ()),
    "date": (
        field("BYTES", time=Time(is_date=True, model_takes="text")),
        texts(),
        st.sampled_from(["2026-03-01", "2026-03-02"]),
        (),
    ),
    "timestamp": (
        field("INT64", time=Time(unit="s", model_takes="integer")),
        numbers(TensorProto.INT64, 1),
        st.integers(0, 2**33),
        (),
    ),
    "vector": (field("FP32", shape=(3,)), numbers(TensorProto.FLOAT, 3), st.floats(-1e3, 1e3, width=32), (3,)),
    "grid": (field("INT64", shape=(-1, 2)), numbers(TensorProto.INT64, None, 2), st.integers(-999, 999), (4, 2)),
    "image": (
        field("UINT8", shape=(2, 2, 3), image=Image()),
        numbers(TensorProto.FLOAT, 3, 2, 2),  # channels first, as other frameworks export it
        st.integers(0, 255),
        (2, 2, 3),
    ),
}


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(sorted(MODELS)))
def test_a_batch_is_answered_as_its_rows_alone(data: st.DataObject, kind: str) -> None:
    taken, model, values, shape = MODELS[kind]
    contract = Contract(inputs=(taken,), outputs=EVERY.outputs, task="regression")
    predictor, reader = OnnxPredictor(model, contract), ColumnReader(contract)
    size = int(np.prod(shape, dtype=np.int64))
    given = [data.draw(st.lists(values, min_size=size, max_size=size)) for _ in range(data.draw(st.integers(1, 5)))]
    alone = [read([Tensor("x", [1, *shape], each)], contract) for each in given]
    together = read([Tensor("x", [len(given), *shape], [one for each in given for one in each])], contract)

    def answer(columns: Columns) -> list[float]:
        found: list[float] = predictor.predict(columns)["prediction"].tolist()
        return found

    expected = [one for rows in alone for one in answer(reader.join([rows]))]
    assert answer(reader.join(alone)) == expected
    assert answer(reader.join([together])) == expected
