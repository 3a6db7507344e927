"""Requests that are answered together stay apart: each gets its own answer, in its own form, under its own name."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.gateway import binary_tensors

PATH = "/v2/models/size/infer"


def size_of(number: int, row: int) -> float:
    """Big ones for callers with even numbers, small ones for the others."""
    return (number + 1 + row / 2) * (1 if number % 2 == 0 else -1)


def request(number: int, rows: int, form: str) -> bytes:
    """A request of one caller, whose sizes no other has."""
    sizes = [size_of(number, row) for row in range(rows)]
    inputs: list[dict[str, Any]] = [
        {"name": "size", "shape": [rows], "datatype": "FP64", "data": sizes},
        {"name": "fresh", "shape": [rows], "datatype": "BOOL", "data": [True] * rows},
    ]
    body: dict[str, Any] = {"id": f"caller-{number}", "inputs": inputs}
    if form == "label only":
        body["outputs"] = [{"name": "label"}]
    if form == "binary":
        body["parameters"] = {"binary_data_output": True}
    text = json.dumps(body).encode()
    head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nX-Interlock-Key: unit-{number}\r\n"
    return f"{head}Content-Length: {len(text)}\r\n\r\n".encode() + text


async def ask_all(address: tuple[str, int], sent: Sequence[bytes]) -> list[tuple[dict[str, str], bytes]]:
    """Send all at the same moment; headers and body of each answer."""
    connections = [await asyncio.open_connection(*address) for _ in sent]
    for (_, writer), data in zip(connections, sent, strict=True):
        writer.write(data)
    found = []
    for reader, writer in connections:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        assert head[0] == "HTTP/1.1 200 OK"
        found.append((headers, await reader.readexactly(int(headers["content-length"]))))
        writer.close()
    return found


def check(number: int, rows: int, form: str, headers: dict[str, str], body: bytes) -> list[str]:
    """The answer is that caller's; returns its prediction ids."""
    length = int(headers.get("inference-header-content-length", len(body)))
    answer, raw = json.loads(body[:length]), body[length:]
    assert answer["id"] == f"caller-{number}"
    label = "big" if number % 2 == 0 else "small"
    outputs = {output["name"]: output for output in answer["outputs"]}
    assert set(outputs) == ({"label"} if form == "label only" else {"label", "probabilities"})
    if form == "binary":
        size = outputs["label"]["parameters"]["binary_data_size"]
        assert binary_tensors.decode("label", "BYTES", [rows], raw[:size]) == [label] * rows
        probabilities = np.frombuffer(raw[size:]).reshape(rows, 2)
        assert (probabilities.argmax(axis=1) == (1 if label == "big" else 0)).all()
    else:
        assert outputs["label"]["data"] == [label] * rows
    ids = answer["parameters"]["prediction_id"]
    return [ids] if rows == 1 else list(ids)


callers = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from(["everything", "label only", "binary"])), min_size=2, max_size=24
)


@settings(max_examples=25, deadline=None)
@given(asked=callers)
def test_callers_get_their_own_answers_and_records(shared: Any, asked: list[tuple[int, str]]) -> None:
    sent = [request(number, rows, form) for number, (rows, form) in enumerate(asked)]
    answers = asyncio.run(ask_all(shared.address, sent))
    ids = {
        name: (number, row)
        for number, ((rows, form), answer) in enumerate(zip(asked, answers, strict=True))
        for row, name in enumerate(check(number, rows, form, *answer))
    }
    assert len(ids) == sum(rows for rows, _ in asked)
    recorded = recorded_sizes(shared.world, set(ids))
    for name, (number, row) in ids.items():
        assert recorded[name] == (f"caller-{number}", f"unit-{number}", size_of(number, row))


def recorded_sizes(world: Any, wanted: set[str]) -> dict[str, tuple[str, str, float]]:
    """Request id, unit and size of each row wanted."""
    found = {}
    for record in world.predictions():
        if not wanted & set(record.prediction_ids):
            continue
        part = next(part for part in record.inputs if part.names == ("size",))
        sizes = np.frombuffer(part.data, part.dtype)
        counts = record.rows or [1] * len(record.request_ids)
        of_row = [at for at, count in enumerate(counts) for _ in range(count)]
        for row, name in enumerate(record.prediction_ids):
            found[name] = (record.request_ids[of_row[row]], record.units[of_row[row]], float(sizes[row]))
    return found
