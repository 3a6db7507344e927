"""Rows of the log over real HTTP: by httpx, and by the client that users have."""

import contextlib
import io
import os
import signal
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from interlock.client import Client
from interlock.domain.errors import ForbiddenError, InvalidInputError, NotFoundError, ServerUnreachableError
from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.log_schema import PREDICTIONS

URL = "/api/v1/endpoints/wine/log"
DAY_4 = datetime(2013, 4, 4, tzinfo=UTC)


@pytest.fixture
def client(logged_plane: Any) -> Client:
    return Client(str(logged_plane.client.base_url).rstrip("/"), logged_plane.keys["viewer"])


def test_any_arrow_reader_reads_the_answer(logged_plane: Any) -> None:
    answer = logged_plane.client.get(URL, headers=logged_plane.header("viewer"), params={"fresh": "false"})
    assert answer.headers["content-type"] == "application/vnd.apache.arrow.stream"
    table = pa.ipc.open_stream(io.BytesIO(answer.content)).read_all()
    assert sorted(table["prediction_id"].to_pylist()) == ["p1-0", "p2-0", "p3-0"]
    assert table.schema.field("event_at").type == pa.timestamp("us", tz="UTC")
    assert {"input.x", "output.probabilities", "date"} <= set(table.column_names)


def test_time_version_and_columns_are_selected(client: Client) -> None:
    found = client.log("wine", since=DAY_4, columns=["prediction_id", "input.x"], fresh=False).to_arrow()
    assert found.to_pylist() == [{"prediction_id": "p3-0", "input.x": 3.0}]
    before = client.log("wine", until=DAY_4, columns=["prediction_id"], fresh=False).to_arrow()
    assert sorted(before["prediction_id"].to_pylist()) == ["p1-0", "p2-0"]
    for versions in (["m:2"], [2], ["2"]):
        by_version = client.log("wine", versions=versions, columns=["prediction_id"], fresh=False).to_arrow()
        assert by_version["prediction_id"].to_pylist() == ["p3-0"]
    assert client.log("wine", versions=[1, "m:2"], fresh=False).to_arrow().num_rows == 3
    assert client.log("wine", versions=[7], fresh=False).to_arrow().num_rows == 0


def test_the_joined_log_has_what_was_said(client: Client) -> None:
    names = ["prediction_id", "label_text", "label_source", "decision_text", "reward.revenue", "reward.click"]
    frame = client.log("wine", columns=names, joined=True, fresh=False).to_polars().sort("prediction_id")
    assert frame.rows() == [
        ("p1-0", "false", "natural", "true", 2.5, None),
        ("p2-0", None, None, None, None, None),
        ("p3-0", None, None, None, 1.0, 0.0),
    ]
    everything = client.log("wine", joined=True, fresh=False).to_pandas()
    assert len(everything) == 3
    assert {"input.x", "label", "labelled_at", "decided_at", "reward.click"} <= set(everything.columns)


def test_a_column_that_is_not_there_is_named_with_what_may_be_meant(client: Client) -> None:
    for columns, said in (
        (["x"], "did you mean input.x?"),
        (["label_text"], "ask for the joined log"),
        (["colour"], "there is: prediction_id, "),
    ):
        with pytest.raises(InvalidInputError) as refused:
            client.log("wine", columns=columns, fresh=False).to_arrow()
        assert said in str(refused.value)


def test_a_time_without_zone_is_refused(client: Client) -> None:
    with pytest.raises(InvalidInputError, match="must have a time zone"):
        client.log("wine", since=datetime(2013, 4, 4)).to_arrow()  # noqa: DTZ001 (what is tested)


def test_only_who_may_read_gets_rows(logged_plane: Any) -> None:
    url = str(logged_plane.client.base_url).rstrip("/")
    with pytest.raises(ForbiddenError):
        Client(url, logged_plane.keys["scorer"]).log("wine", fresh=False).to_arrow()
    assert Client(url, logged_plane.keys["limited"]).log("wine", fresh=False).to_arrow().num_rows == 3
    with pytest.raises(ForbiddenError):
        Client(url, logged_plane.keys["limited"]).log("new", fresh=False).to_arrow()


def test_an_endpoint_without_a_log_is_an_empty_table(client: Client) -> None:
    assert client.log("new", fresh=False).to_arrow().num_rows == 0
    assert client.log("new", joined=True, fresh=False).to_arrow().num_rows == 0
    with pytest.raises(NotFoundError):
        client.log("never", fresh=False).to_arrow()


def test_a_reader_that_stops_early_leaves_the_connection_of_others_alone(client: Client) -> None:
    with client.log("wine", fresh=False).batches() as reader:
        assert reader.schema.names[0] == "prediction_id"
    assert client.log("wine", fresh=False).to_arrow().num_rows == 3


def test_without_a_server_there_is_one_sentence() -> None:
    with pytest.raises(ServerUnreachableError, match="start one with"):
        Client("http://127.0.0.1:9").log("wine").to_arrow()


@pytest.fixture(scope="module")
def large(logged_plane: Any) -> None:
    """An endpoint `big` with more rows than all buffers between log and reader hold."""
    rows = 400_000
    text = np.random.default_rng(0).bytes(rows * 32).hex()
    names = pa.array([text[at : at + 64] for at in range(0, rows * 64, 64)])
    columns = {field.name: pa.nulls(rows, field.type) for field in PREDICTIONS}
    table = pa.table({**columns, "prediction_id": names, "date": pa.array([date(2013, 4, 4)] * rows)})
    DeltaLog(logged_plane.app.state.services.settings.log).append("predictions", "big", table, {"test": 1})


def jobs() -> list[int]:
    """Processes of ours that stream."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid() and b"stream_job" in (path / "cmdline").read_bytes():
                found.append(int(path.name))
    return found


def wait_until_over() -> bool:
    until = time.monotonic() + 20
    while jobs() and time.monotonic() < until:
        time.sleep(0.02)
    return not jobs()


@pytest.mark.usefixtures("large")
def test_the_process_behind_a_stream_ends_with_its_reader(client: Client) -> None:
    with client.log("big", fresh=False).batches() as reader:
        reader.read_next_batch()
        assert len(jobs()) == 1
    assert wait_until_over()


@pytest.mark.usefixtures("large")
def test_a_stream_that_breaks_off_is_an_error_and_no_shorter_table(client: Client) -> None:
    with client.log("big", fresh=False).batches() as reader:
        reader.read_next_batch()
        os.kill(jobs()[0], signal.SIGKILL)
        with pytest.raises(ServerUnreachableError, match="broke off in the middle of an answer"):
            reader.read_all()
    assert wait_until_over()
