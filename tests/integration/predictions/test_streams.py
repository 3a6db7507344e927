import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from tests.integration.predictions.conftest import label, labels, version
from tests.prediction_records import START_US, prediction

from interlock.domain.contract import Contract, Field
from interlock.domain.errors import InvalidInputError
from interlock.predictions.streams import LogStream, Match, Selection

if TYPE_CHECKING:
    from tests.integration.predictions.conftest import Home

HOUR_US = 3_600_000_000


def read(home: "Home", task: Selection | Match) -> pa.Table:
    stream = LogStream(home.settings.log, task)
    try:
        body = b"".join(iter(stream.read, b""))
    finally:
        stream.close()
    return pa.ipc.open_stream(io.BytesIO(body)).read_all()


def match(
    home: "Home", tmp_path: Path, on: str | None = None, **columns: Sequence[object]
) -> list[tuple[str, str | None]]:
    types = {"event_at": pa.timestamp("us", tz="UTC"), "request_row": pa.int32()}
    table = pa.table({name: pa.array(values, types.get(name, pa.string())) for name, values in columns.items()})
    path = tmp_path / "rows.arrow"
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)
    found = read(home, Match(endpoint="wine", file=str(path), key=on))
    assert found["row"].to_pylist() == list(range(table.num_rows))
    return list(zip(found["outcome"].to_pylist(), found["prediction_id"].to_pylist(), strict=True))


def test_a_stream_keeps_types_and_which_field_a_column_holds(home: "Home") -> None:
    inputs = (Field(name="X", datatype="FP64", nullable=True), Field(name="kind", datatype="BYTES"))
    with home.store.transaction() as tx:
        tx.models.add(version(3, Contract(inputs=inputs, outputs=())))
    home.collect(prediction(1), prediction(2, version="m:3", inputs={"X": [7.0], "kind": ["red"]}))
    found = read(home, Selection(endpoint="wine"))
    table = home.log.schema("predictions", "wine")
    assert found.schema.equals(pa.schema([table.field(name) for name in found.schema.names]), check_metadata=True)
    assert "input.X~2" in found.column_names


def test_what_a_stream_needs_besides_memory_is_gone_when_it_ends(home: "Home", tmp_path: Path) -> None:
    home.collect(prediction(1, rows=1000))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    stream = LogStream(home.settings.log, Selection(endpoint="wine"), scratch)
    child = stream._child.pid
    assert stream.read()
    stream.close()
    assert not scratch.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_ids_match_or_do_not(home: "Home", tmp_path: Path) -> None:
    home.collect(prediction(1), prediction(2, request_ids=["again"]), prediction(3, request_ids=["again"]))
    assert match(home, tmp_path, prediction_id=["p1-0", "p9-0", "p1-0", None]) == [
        ("matched", "p1-0"),
        ("unmatched", None),
        ("matched", "p1-0"),
        ("unmatched", None),
    ]
    assert match(home, tmp_path, request_id=["q1", "q1", "again", "no"], request_row=[0, 1, 0, 0]) == [
        ("matched", "p1-0"),
        ("unmatched", None),
        ("ambiguous", None),
        ("unmatched", None),
    ]


def test_a_key_means_the_latest_prediction_before_the_event(home: "Home", tmp_path: Path) -> None:
    def of(number: int, hour: int, x: float, **more: Any) -> object:
        return prediction(number, event_at_us=[START_US + hour * HOUR_US], inputs={"x": [x], "kind": ["red"]}, **more)

    home.collect(of(1, 0, 7.0), of(2, 10, 7.0), of(3, 0, 8.0), of(4, 0, 8.0), of(5, 12, 7.0, role="pinned"))
    times = [START_US + hour * HOUR_US for hour in (0, 9, 10, 99, -1, 1, 1)]
    keys = ["7", "7", "7.0", "7", "7", "8", "9"]
    assert match(home, tmp_path, "x", key=keys, event_at=times) == [
        ("matched", "p1-0"),
        ("matched", "p1-0"),
        ("matched", "p2-0"),
        ("matched", "p2-0"),
        ("unmatched", None),
        ("ambiguous", None),
        ("unmatched", None),
    ]


def test_a_key_without_a_time_means_the_only_prediction(home: "Home", tmp_path: Path) -> None:
    home.collect(*(prediction(n, unit=f"u{n // 2}") for n in (1, 2, 3)))
    keys = ["u0", "u1", "u2", None]
    assert match(home, tmp_path, "unit", key=keys, event_at=[None] * 4) == [
        ("matched", "p1-0"),
        ("ambiguous", None),
        ("unmatched", None),
        ("unmatched", None),
    ]


def test_what_cannot_be_matched_is_refused_in_a_sentence(home: "Home", tmp_path: Path) -> None:
    home.collect(prediction(1), labels(label("p1-0", True)))
    with pytest.raises(InvalidInputError, match="has no input 'nope' to match by; there is: unit, x, kind"):
        match(home, tmp_path, "nope", key=["1"], event_at=[None])
    with pytest.raises(InvalidInputError, match="must have prediction_id, or"):
        match(home, tmp_path, colour=["red"])
    (tmp_path / "junk").write_bytes(b"not arrow at all")
    with pytest.raises(InvalidInputError, match="not an Arrow IPC stream"):
        read(home, Match(endpoint="wine", file=str(tmp_path / "junk")))
