"""What becomes of the tables when a new version takes more than the last one, or takes it as something else."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from tests.integration.predictions.conftest import CONTRACT, label, labels, version
from tests.prediction_records import prediction

from interlock.domain.contract import Contract, Datatype, Field
from interlock.predictions.reader import LogReader
from interlock.predictions.sql import query
from interlock.predictions.upkeep import Upkeep

if TYPE_CHECKING:
    from tests.integration.predictions.conftest import Home


def contract(*inputs: tuple[str, Datatype], score: Datatype = "FP64") -> Contract:
    fields = tuple(Field(name=name, datatype=datatype, nullable=True) for name, datatype in inputs)
    return Contract(inputs=fields, outputs=(Field(name="score", datatype=score),), task="regression")


def answered(number: int, ref: str, inputs: dict[str, Any], score: float) -> Any:
    given = {name: [value] for name, value in inputs.items()}
    return prediction(number, version=ref, inputs=given, outputs={"score": [score]}, assigned={"assigned_version": ref})


@pytest.fixture
def grown(home: "Home") -> "Home":
    """Version 3 counts `age` in years, 4 in parts of years and knows `Age` of somebody else, 5 as a word."""
    with home.store.transaction() as tx:
        tx.models.add(version(3, contract(("age", "INT32"), score="INT64")))
        tx.models.add(version(4, contract(("age", "FP32"), ("Age", "FP64"), ("new", "BOOL"))))
        tx.models.add(version(5, contract(("age", "BYTES"))))
    home.collect(answered(1, "m:3", {"age": 7}, 1))
    home.collect(answered(2, "m:4", {"age": 7.5, "Age": 30.0, "new": True}, 0.5), answered(3, "m:3", {"age": None}, 2))
    home.collect(answered(4, "m:5", {"age": "seven"}, 0.25), labels(label("p1-0", 1), label("p2-0", 0)))
    return home


@pytest.fixture
def reader(grown: "Home") -> Iterator[LogReader]:
    reader = grown.reader
    yield reader
    reader.close()


def by_id(rows: pa.Table, *columns: str) -> dict[str, tuple[Any, ...]]:
    return {row["prediction_id"]: tuple(row[name] for name in columns) for row in rows.to_pylist()}


def test_old_and_new_rows_are_read_in_common_columns(reader: LogReader) -> None:
    _, rows = reader.new_rows("wine", None)
    assert by_id(rows, "input.age", "input.Age~3", "input.new", "input.age~4", "output.score") == {
        "p1-0": (7.0, None, None, None, 1.0),
        "p2-0": (7.5, 30.0, True, None, 0.5),
        "p3-0": (None, None, None, None, 2.0),
        "p4-0": (None, None, None, "seven", 0.25),
    }
    assert rows.schema.field("input.age").type == rows.schema.field("output.score").type == pa.float64()
    assert by_id(reader.labelled("wine"), "output.score", "label") == {"p1-0": (1.0, "1"), "p2-0": (0.5, "0")}


def test_sql_sees_one_column_for_a_widened_field(grown: "Home") -> None:
    rows = query(
        grown.settings.log, 'SELECT "input.age" AS age, "output.score" AS score FROM wine ORDER BY prediction_id'
    )
    found = [(row["age"], row["score"]) for row in rows]
    assert found == [(7.0, 1.0), (7.5, 0.5), (None, 2.0), (None, 0.25)]
    (described,) = query(grown.settings.log, "SELECT count(COLUMNS(*)) FROM wine_labelled")
    assert [name for name in described if name.startswith(("input", "output"))] == [
        "input.age", "output.score", "input.Age~3", "input.new", "input.age~4",
    ]  # fmt: skip


def test_other_engines_see_what_was_written_as_it_was(grown: "Home") -> None:
    path = str(grown.log.path("predictions", "wine"))
    rows = pl.scan_delta(path).sort("prediction_id").collect()
    assert rows["input.age"].to_list() == [7, None, None, None]
    assert rows["input.age~2"].to_list() == [None, 7.5, None, None]
    assert rows.select(pl.coalesce("input.age~2", "input.age"))["input.age~2"].to_list() == [7.0, 7.5, None, None]
    assert DeltaTable(path).to_pyarrow_table().num_rows == 4


def test_compaction_keeps_columns_apart_and_together(grown: "Home", reader: LogReader) -> None:
    _, before = reader.new_rows("wine", None)
    grown.later(90_000)
    for number in range(5, 25):
        grown.collect(answered(number, "m:4", {"age": 1.5, "Age": 1.0, "new": False}, 0.5))
    assert Upkeep(grown.log, grown.store, lambda: grown.now).step()["predictions", "wine"].compacted_files > 0
    _, after = reader.new_rows("wine", None)
    columns = ("input.age", "input.Age~3", "input.new", "input.age~4", "output.score")
    assert by_id(before, *columns).items() <= by_id(after, *columns).items()
    assert after.schema == before.schema


def test_versions_with_the_same_contract_share_every_column(home: "Home") -> None:
    home.collect(prediction(1))
    columns = home.log.schema("predictions", "wine").names
    home.collect(prediction(2, version="m:2", assigned={"assigned_version": "m:2"}))
    assert home.log.schema("predictions", "wine").names == columns
    assert {f"input.{field.name}" for field in CONTRACT.inputs} <= set(columns)
