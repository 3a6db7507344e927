"""More than can be served, what callers are told then, callers who vanish, and plans that change under load."""

import asyncio
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from tests.load import Load, load, read_answer, request

from interlock.domain.errors import DeadlineExceededError
from interlock.domain.ports import Columns
from interlock.gateway import lane

PATH = "/v2/models/price/infer"
ONE_ROW = json.dumps(
    {
        "inputs": [
            {"name": "area", "shape": [1], "datatype": "FP64", "data": [50.0]},
            {"name": "rooms", "shape": [1], "datatype": "INT64", "data": [3]},
        ]
    }
).encode()
HUNDRED_ROWS = json.dumps(
    {
        "inputs": [
            {"name": "area", "shape": [100], "datatype": "FP64", "data": [50.0] * 100},
            {"name": "rooms", "shape": [100], "datatype": "INT64", "data": [3] * 100},
        ]
    }
).encode()


class SlowRuntime:
    """Takes its time for each batch, in whatever process."""

    rows_in_loop = 0

    def __init__(self, seconds: float) -> None:
        self.seconds, self.most_rows, self.rows = seconds, 0, 0

    def predict_now(self, columns: Columns) -> dict[str, Any]:
        raise NotImplementedError

    async def predict(self, columns: Columns, deadline_seconds: float) -> dict[str, Any]:
        rows = len(columns["area"])
        self.rows += rows
        self.most_rows = max(self.most_rows, rows)
        await asyncio.sleep(min(self.seconds, deadline_seconds))
        if deadline_seconds < self.seconds:
            raise DeadlineExceededError("price:2", deadline_seconds * 1000)
        return {"prediction": np.ones(rows)}

    async def close(self) -> None:
        """Nothing to free."""


async def _at_once(address: tuple[str, int], count: int, sent: bytes) -> Load:
    found = Load()

    async def ask() -> None:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(sent)
        await read_answer(reader, found)
        writer.close()

    await asyncio.gather(*(ask() for _ in range(count)))
    return found


def test_ten_times_too_much_is_refused_at_once_and_the_rest_is_answered(world: Any, start: Any) -> None:
    world.register_faulty("price:2", "slow")
    world.faulty["price:2"] = slow = SlowRuntime(0.05)
    world.plan("price", "price:2", deadline_ms=30_000)
    with start(world) as server:
        found = asyncio.run(_at_once(server.address, 2000, request(PATH, HUNDRED_ROWS)))
        assert found.failed == 0
        assert set(found.statuses) == {200, 503}
        # What waits is bounded: in rows here, since each request has many.
        assert 100 <= found.statuses[200] <= 3 * lane.MOST_ROWS / 100
        assert all(b"retry-after: 1" in head for head in found.headers)
        assert slow.most_rows <= lane.BATCH_ROWS
        assert server.price().status_code == 200
    assert sum(len(record.prediction_ids) for record in world.predictions()) == 100 * found.statuses[200] + 1


def test_nothing_fails_while_plans_change_a_hundred_times_under_load(price_world: Any, start: Any, models: Any) -> None:
    price_world.register("price:2", models.PRICE, models.price_model(3.0))
    with start(price_world) as server, load(server.address, PATH, ONE_ROW, callers=16) as found:
        for number in range(100):
            champion, challenger = ("price:1", "price:2") if number % 2 else ("price:2", "price:1")
            price_world.release(champion, challenger, 0.5)
            if number % 10 == 9:
                served = 'interlock_plan_generation{endpoint="price"} ' + str(float(number + 2))
                server.wait(lambda served=served: served in server.client.get("/metrics").text)
        assert found.total > 500
    assert found.failed == 0
    assert set(found.statuses) == {200}
    recorded = sum(len(record.request_ids) for record in price_world.predictions())
    assert recorded == found.statuses[200]
    assert {record.version for record in price_world.predictions()} == {"price:1", "price:2"}


def test_callers_who_vanish_leave_nothing_behind(price_world: Any, start: Any) -> None:
    whole = request(PATH, ONE_ROW)
    with start(price_world) as server:
        assert server.price().status_code == 200
        for number in range(300):
            with socket.create_connection(server.address) as gone:
                gone.sendall(whole[: number * len(whole) // 300])
        for _ in range(50):
            with socket.create_connection(server.address) as gone:
                gone.sendall(whole)  # and does not wait for the answer
        server.wait(lambda: _open_connections(server.address[1]) <= 1)
        assert server.price().status_code == 200
    assert {record.version for record in price_world.predictions()} == {"price:1"}


def _open_connections(port: int) -> int:
    """Established connections that this port's server side holds."""
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] in ("01", "08") for row in rows)


def test_idle_and_slow_connections_do_not_keep_others_from_being_served(price_world: Any, start: Any) -> None:
    with start(price_world) as server:
        held = [socket.create_connection(server.address) for _ in range(500)]
        for connection in held[::2]:
            connection.sendall(b"POST /v2/models/price/infer HTTP/1.1\r\nHost: loc")
        began = time.monotonic()
        for _ in range(20):
            assert server.price().status_code == 200
        assert time.monotonic() - began < 10
        for connection in held:
            connection.close()


@pytest.mark.slow
def test_memory_stays_bounded_while_too_much_comes(world: Any, start: Any) -> None:
    world.register_faulty("price:2", "slow")
    world.faulty["price:2"] = SlowRuntime(0.05)
    world.plan("price", "price:2", deadline_ms=30_000)
    with start(world) as server:
        sizes: list[int] = []
        stop = threading.Event()

        def measure() -> None:
            while not stop.wait(0.2):
                sizes.append(_resident_bytes())

        thread = threading.Thread(target=measure)
        with load(server.address, PATH, HUNDRED_ROWS, callers=400) as found:
            time.sleep(3)
            thread.start()
            time.sleep(6)
            stop.set()
            thread.join()
        assert found.statuses[503] > found.statuses[200] > 0
        assert max(sizes) - min(sizes) < 100 * 1024 * 1024


def _resident_bytes() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096


MATRIX_ROW = {"inputs": [{"name": "m", "shape": [1, 2], "datatype": "FP64", "data": [1.0, 1]}]}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v2/models/price/infer", MATRIX_ROW),
        ("/v2/models/price/versions/1/infer", MATRIX_ROW),
        ("/endpoints/price/invocations", {"instances": [[1.0, 1]]}),
        ("/v1/models/price:predict", {"instances": [[1.0, 1]]}),
    ],
)
def test_full_lane_asks_to_come_again_later(
    shared: Any, monkeypatch: pytest.MonkeyPatch, path: str, body: dict[str, Any]
) -> None:
    monkeypatch.setattr("interlock.gateway.lane.MOST_CALLS", 0)
    answer = shared.client.post(path, json=body)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert "requests wait for price:1 already; try again later" in answer.json()["error"]


def test_one_page_of_metrics_or_statistics_is_read_at_a_time(shared: Any) -> None:
    """Pages are read from files: many at once would take the threads that everything else needs."""
    for path in ("/metrics", "/v2/models/price/stats"):
        with ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(lambda _, path=path: shared.client.get(path), range(48)))
        statuses = {answer.status_code for answer in answers}
        assert statuses <= {200, 503}
        assert all(answer.headers["Retry-After"] == "1" for answer in answers if answer.status_code == 503)
        assert shared.client.get(path).status_code == 200
