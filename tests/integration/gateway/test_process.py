"""A worker as a process: what it imports, how it stops, and what is left when it is killed."""

import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from onnx import TensorProto, helper

from interlock.process.handover import encode

START = """
import os, socket, sys
from interlock import bootstrap
from interlock.process.handover import decode
bootstrap.serve_gateway(decode(os.environ["SETTINGS"]), socket.socket(fileno=int(sys.argv[1])), slot=sys.argv[2])
"""
IMPORTS = """
import sys
import interlock.gateway.worker
print(",".join(name for name in {heavy!r} if name in sys.modules))
"""
HEAVY = ("fastapi", "pandas", "pyarrow", "scipy", "duckdb", "deltalake", "sklearn", "mlflow", "onnx", "grpc", "google")


def test_worker_imports_nothing_heavy() -> None:
    found = subprocess.run(
        [sys.executable, "-c", IMPORTS.format(heavy=HEAVY)], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == ""


class Worker:
    """Processes that share one listening socket."""

    def __init__(self, world: Any, listener: socket.socket) -> None:
        self._world, self._listener = world, listener
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    @contextmanager
    def process(
        self, slot: str = "gw0", *, largest_file: int = resource.RLIM_INFINITY
    ) -> Iterator[subprocess.Popen[bytes]]:
        descriptor = self._listener.fileno()
        environment = {**os.environ, "SETTINGS": encode(self._world.settings)}
        command = [sys.executable, "-c", START, str(descriptor), slot]
        process = subprocess.Popen(
            command,
            env=environment,
            pass_fds=[descriptor],
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file)),  # noqa: PLW1509 (one thread)
        )
        try:
            assert httpx.get(f"{self.url}/v2/health/ready", timeout=30).status_code == 200
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def worker(price_world: Any) -> Iterator[Worker]:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        yield Worker(price_world, listener)


def ask(client: httpx.Client) -> str:
    answer = client.post("/invocations", json={"instances": [[1.0, 1]]})
    assert answer.status_code == 200
    return answer.headers["X-Interlock-Prediction-Id"]


def test_sigterm_finishes_seals_and_exits_with_0(worker: Worker, price_world: Any) -> None:
    with worker.process() as process:
        with httpx.Client(base_url=worker.url) as client:
            ids = [ask(client) for _ in range(20)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    assert [id for record in price_world.predictions() for id in record.prediction_ids] == ids
    assert list((price_world.settings.spools / "gw0").glob("*.open")) == []


def test_kill_loses_nothing_that_was_acknowledged(worker: Worker, price_world: Any) -> None:
    with worker.process() as process, httpx.Client(base_url=worker.url) as client:
        ids = [ask(client) for _ in range(50)]
        label = {"labels": [{"prediction_id": ids[0], "label": 1.0}]}
        assert client.post("/endpoints/price/labels", json=label).json()["accepted"] == 1
        process.kill()
        process.wait()
    with worker.process() as process, httpx.Client(base_url=worker.url) as client:
        ids.append(ask(client))
        page = client.get("/metrics").text
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    assert [id for record in price_world.predictions() for id in record.prediction_ids] == ids
    assert len(price_world.labels()) == 1
    # Counts outlive the worker that made them.
    assert 'interlock_requests_total{code="200",endpoint="price",role="champion",version="price:1"} 51.0' in page
    assert "interlock_gateway_workers 1.0" in page


def test_two_workers_share_the_socket_and_the_metrics(worker: Worker, price_world: Any) -> None:
    with worker.process("gw0"), worker.process("gw1"):
        for _ in range(40):  # each with a connection of its own
            with httpx.Client(base_url=worker.url) as client:
                ask(client)
        page = httpx.get(f"{worker.url}/metrics").text
    assert 'interlock_answered_rows_total{endpoint="price",role="champion",version="price:1"} 40.0' in page
    assert "interlock_gateway_workers 2.0" in page


def test_answer_that_cannot_be_recorded_is_withheld(worker: Worker, price_world: Any, models: Any) -> None:
    price_world.plan("size", price_world.register("size:1", models.SIZE, models.size_model()))
    with worker.process(largest_file=1_500_000), httpx.Client(base_url=worker.url) as client:
        rows = [{"size": 1.0, "colour": "c" * 200, "fresh": True}] * 10_000
        refused = client.post("/endpoints/size/invocations", json={"instances": rows}, timeout=30)
        assert refused.status_code == 503
        assert refused.headers["Retry-After"] == "1"
        assert "not recorded, so not answered" in refused.json()["error"]
        answered = client.post("/endpoints/size/invocations", json={"instances": rows[:1]})
        assert answered.json() == {"predictions": ["big"]}
    (record,) = price_world.predictions()
    assert record.prediction_ids == [answered.headers["X-Interlock-Prediction-Id"]]


def endless_model() -> bytes:
    """A graph that never ends for a negative area, and answers the area otherwise."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go_on"], ["go_on_out"]), helper.make_node("Identity", ["held"], ["held_out"])],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("held", TensorProto.DOUBLE, []),
        ],
        [
            helper.make_tensor_value_info("go_on_out", TensorProto.BOOL, []),
            helper.make_tensor_value_info("held_out", TensorProto.DOUBLE, []),
        ],
    )
    nodes = [
        helper.make_node("ReduceMin", ["area"], ["least"], keepdims=0),
        helper.make_node("Less", ["least", "zero"], ["is_negative"]),
        helper.make_node("Loop", ["", "is_negative", "zero"], ["_held"], body=body),
        helper.make_node("Identity", ["area"], ["prediction"]),
        helper.make_node("Identity", ["rooms"], ["_rooms"]),
    ]
    graph = helper.make_graph(
        nodes,
        "endless",
        [
            helper.make_tensor_value_info("area", TensorProto.DOUBLE, [None, 1]),
            helper.make_tensor_value_info("rooms", TensorProto.INT64, [None, 1]),
        ],
        [helper.make_tensor_value_info("prediction", TensorProto.DOUBLE, [None, 1])],
        [helper.make_tensor("zero", TensorProto.DOUBLE, [], [0.0])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    return bytes(model.SerializeToString())


@pytest.mark.slow
def test_graph_that_stands_still_costs_one_worker_and_then_its_own_process(
    worker: Worker, price_world: Any, models: Any
) -> None:
    price_world.register("price:2", models.PRICE, endless_model())
    price_world.plan("price", "price:2", deadline_ms=2000)
    endless = {"instances": [[-1.0, 1]]}
    with worker.process() as process, httpx.Client(base_url=worker.url, timeout=30) as client:
        assert client.post("/invocations", json={"instances": [[7.0, 1]]}).json() == {"predictions": [7.0]}
        with pytest.raises(httpx.HTTPError):
            client.post("/invocations", json=endless)
        assert process.wait(15) == -signal.SIGKILL
    with worker.process() as process, httpx.Client(base_url=worker.url, timeout=30) as client:
        assert client.post("/invocations", json={"instances": [[7.0, 1]]}).json() == {"predictions": [7.0]}
        assert client.post("/invocations", json=endless).status_code == 504
        assert client.get("/v2/health/live").status_code == 200
        assert process.poll() is None
