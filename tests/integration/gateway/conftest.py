"""A home folder with real ONNX models, and a real gateway over it on a port that the system chose."""

import asyncio
import hashlib
import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from inspect import getclosurevars
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import onnx
import pytest
import uvloop
from onnx import TensorProto, helper
from prometheus_client import values

from interlock.domain.access import Key, Role
from interlock.domain.contract import Contract, Field
from interlock.domain.errors import DeadlineExceededError
from interlock.domain.model import ModelVersion
from interlock.domain.ports import Columns, Runtime
from interlock.domain.traffic import TrafficPlan
from interlock.gateway.http_server import HttpServer
from interlock.gateway.worker import gateway
from interlock.predictions import segments
from interlock.predictions.parts import Part, unpack
from interlock.predictions.records import FailureRecord, FeedbackRecord, LabelsRecord, PredictionRecord
from interlock.runtimes.load import load_runtime
from interlock.settings import Settings
from interlock.store.database import Store

# price = 2 * area + rooms
PRICE = Contract(
    inputs=(Field(name="area", datatype="FP64"), Field(name="rooms", datatype="INT64")),
    outputs=(Field(name="prediction", datatype="FP64"),),
    task="regression",
)
# The class is "big" from size 0 on; the colour does not matter.
SIZE = Contract(
    inputs=(
        Field(name="size", datatype="FP32", nullable=True),
        Field(name="colour", datatype="BYTES", nullable=True),
        Field(name="fresh", datatype="BOOL"),
    ),
    outputs=(Field(name="label", datatype="BYTES"), Field(name="probabilities", datatype="FP64", shape=(2,))),
    task="binary",
    classes=("small", "big"),
)


def price_model(slope: float = 2.0) -> bytes:
    """A graph with one input per column."""
    nodes = [
        helper.make_node("Mul", ["area", "slope"], ["scaled"]),
        helper.make_node("Cast", ["rooms"], ["more"], to=TensorProto.DOUBLE),
        helper.make_node("Add", ["scaled", "more"], ["prediction"]),
    ]
    graph = helper.make_graph(
        nodes,
        "price",
        [
            helper.make_tensor_value_info("area", TensorProto.DOUBLE, [None, 1]),
            helper.make_tensor_value_info("rooms", TensorProto.INT64, [None, 1]),
        ],
        [helper.make_tensor_value_info("prediction", TensorProto.DOUBLE, [None, 1])],
        [helper.make_tensor("slope", TensorProto.DOUBLE, [1], [slope])],
    )
    return _serialized(graph)


# rooms is a float now, and there is a garden, which may be missing.
WIDER_PRICE = Contract(
    inputs=(
        Field(name="area", datatype="FP64"),
        Field(name="rooms", datatype="FP64"),
        Field(name="garden", datatype="FP64", nullable=True),
    ),
    outputs=PRICE.outputs,
    task="regression",
)


def wider_price_model() -> bytes:
    """area + rooms, and the garden's area if it is known."""
    names = ("area", "rooms", "garden")
    nodes = [
        helper.make_node("IsNaN", ["garden"], ["lost"]),
        helper.make_node("Where", ["lost", "zero", "garden"], ["known"]),
        helper.make_node("Sum", ["area", "rooms", "known"], ["prediction"]),
    ]
    graph = helper.make_graph(
        nodes,
        "wider",
        [helper.make_tensor_value_info(name, TensorProto.DOUBLE, [None, 1]) for name in names],
        [helper.make_tensor_value_info("prediction", TensorProto.DOUBLE, [None, 1])],
        [helper.make_tensor("zero", TensorProto.DOUBLE, [1], [0.0])],
    )
    return _serialized(graph)


def size_model() -> bytes:
    """A classifier over a number, a text and a truth value."""
    nodes = [
        helper.make_node("IsNaN", ["size"], ["lost"]),
        helper.make_node("Where", ["lost", "zero", "size"], ["known"]),
        helper.make_node("Sigmoid", ["known"], ["big"]),
        helper.make_node("Sub", ["one", "big"], ["small"]),
        helper.make_node("Concat", ["small", "big"], ["probabilities"], axis=1),
        helper.make_node("GreaterOrEqual", ["known", "zero"], ["is_big"]),
        helper.make_node("Where", ["is_big", "text_big", "text_small"], ["label"]),
        helper.make_node("Identity", ["colour"], ["_colour"]),
        helper.make_node("Identity", ["fresh"], ["_fresh"]),
    ]
    graph = helper.make_graph(
        nodes,
        "size",
        [
            helper.make_tensor_value_info("size", TensorProto.FLOAT, [None, 1]),
            helper.make_tensor_value_info("colour", TensorProto.STRING, [None, 1]),
            helper.make_tensor_value_info("fresh", TensorProto.BOOL, [None, 1]),
        ],
        [
            helper.make_tensor_value_info("label", TensorProto.STRING, [None, 1]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2]),
        ],
        [
            helper.make_tensor("zero", TensorProto.FLOAT, [1], [0.0]),
            helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0]),
            helper.make_tensor("text_big", TensorProto.STRING, [1], [b"big"]),
            helper.make_tensor("text_small", TensorProto.STRING, [1], [b"small"]),
        ],
    )
    return _serialized(graph)


def _serialized(graph: onnx.GraphProto) -> bytes:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    return bytes(model.SerializeToString())


# A vector of three numbers, and a text; both are the only input.
VECTOR = Contract(
    inputs=(Field(name="x", datatype="FP32", shape=(3,)),),
    outputs=(Field(name="total", datatype="FP32"), Field(name="twice", datatype="FP32", shape=(3,))),
)
ANY_LENGTH = Contract(
    inputs=(Field(name="x", datatype="FP32", shape=(-1,)),), outputs=(Field(name="total", datatype="FP32"),)
)
TEXT = Contract(inputs=(Field(name="text", datatype="BYTES"),), outputs=(Field(name="echo", datatype="BYTES"),))


def vector_model(outputs: tuple[str, ...] = ("total", "twice"), length: int | None = 3) -> bytes:
    """The sum of a vector, and its double."""
    nodes = [
        helper.make_node("ReduceSum", ["x", "last"], ["total"], keepdims=0),
        helper.make_node("Add", ["x", "x"], ["twice"]),
    ]
    shapes = {"total": [None], "twice": [None, length]}
    graph = helper.make_graph(
        nodes[: len(outputs)],
        "vector",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, length])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shapes[name]) for name in outputs],
        [helper.make_tensor("last", TensorProto.INT64, [1], [1])],
    )
    return _serialized(graph)


def text_model() -> bytes:
    """A text as it is."""
    graph = helper.make_graph(
        [helper.make_node("Identity", ["text"], ["echo"])],
        "text",
        [helper.make_tensor_value_info("text", TensorProto.STRING, [None, 1])],
        [helper.make_tensor_value_info("echo", TensorProto.STRING, [None, 1])],
    )
    return _serialized(graph)


class FaultyRuntime:
    """A model that fails as it is told, as long as `is_faulty`; otherwise it answers 7 for every row."""

    rows_in_loop = 0

    def __init__(self, fault: str) -> None:
        self.fault, self.is_faulty, self.asked = fault, True, 0

    def predict_now(self, columns: Columns) -> dict[str, Any]:
        raise NotImplementedError

    async def predict(self, columns: Columns, deadline_seconds: float) -> dict[str, Any]:
        self.asked += 1
        rows = len(next(iter(columns.values())))
        if not self.is_faulty:
            return {"prediction": np.full(rows, 7.0)}
        if self.fault == "raises":
            raise ValueError("secret detail")
        if self.fault == "late":
            await asyncio.sleep(deadline_seconds)
            raise DeadlineExceededError("price:2", deadline_seconds * 1000)
        return {"prediction": np.full(rows + 1, 7.0)} if self.fault == "too many rows" else {}

    async def close(self) -> None:
        """Nothing to free."""


@dataclass
class World:
    """A home folder and its store."""

    settings: Settings
    store: Store
    faulty: dict[str, FaultyRuntime] = field(default_factory=dict)

    def register(
        self, ref: str, contract: Contract, model: bytes, *, row_us: float | None = 20.0, profile: Any = None
    ) -> str:
        name, _, number = ref.partition(":")
        digest = hashlib.sha256(model).hexdigest()
        self.settings.artifacts.mkdir(parents=True, exist_ok=True)
        (self.settings.artifacts / digest).write_bytes(model)
        version = ModelVersion(
            name=name,
            version=int(number),
            digest=digest,
            model_format="onnx",
            serving_digest=digest,
            serving_format="onnx",
            placement="inline",
            contract=contract,
            created_at=datetime.now(UTC),
            created_by="test",
            row_us=row_us,
            profile=profile,
        )
        with self.store.transaction() as tx:
            tx.models.add(version)
        return ref

    def register_faulty(self, ref: str, fault: str) -> FaultyRuntime:
        self.register(ref, PRICE, ref.encode())
        self.faulty[ref] = FaultyRuntime(fault)
        return self.faulty[ref]

    def plan(self, endpoint: str, champion: str, **more: Any) -> TrafficPlan:
        with self.store.transaction() as tx:
            generation = 1 + len(tx.plans.list(endpoint))
            plan = TrafficPlan(endpoint=endpoint, generation=generation, champion=champion, **more)
            tx.plans.append(plan)
        return plan

    def release(self, champion: str, challenger: str, share: float = 1.0, **more: Any) -> TrafficPlan:
        return self.plan(
            "price", champion, challenger=challenger, traffic_share=share, salt="s", release_id="r1", step=0, **more
        )

    def key(self, role: Role, name: str | None = None, **more: Any) -> dict[str, str]:
        """The headers of a new key."""
        secret = secrets.token_urlsafe(24)
        key = Key(
            name=name or role,
            role=role,
            digest=hashlib.sha256(secret.encode()).hexdigest(),
            created_at=datetime.now(UTC),
            **more,
        )
        with self.store.transaction() as tx:
            tx.keys.add(key)
        return {"Authorization": f"Bearer {secret}"}

    def load(self, version: ModelVersion) -> Runtime:
        found = self.faulty.get(version.ref)
        return found if found is not None else load_runtime(version, self.settings.artifacts)

    def records(self, slot: str = "gw0") -> list[Any]:
        """Everything in a slot's spool, in order."""
        files = sorted((self.settings.spools / slot).glob("*.*"))
        paths = [path for path in files if path.suffix in (".open", ".sealed")]
        return [record for path in paths for record in segments.read(path).records]

    def predictions(self) -> list[PredictionRecord]:
        return [record for record in self.records() if isinstance(record, PredictionRecord)]

    def failures(self) -> list[FailureRecord]:
        return [record for record in self.records() if isinstance(record, FailureRecord)]

    def feedback(self) -> list[FeedbackRecord]:
        return [record for record in self.records() if isinstance(record, FeedbackRecord)]

    def labels(self) -> list[LabelsRecord]:
        return [record for record in self.records() if isinstance(record, LabelsRecord)]


def plain(parts: Sequence[Part], rows: int = 1) -> dict[str, list[Any]]:
    """Columns of a record, as plain values."""
    found = [column for part in parts for column in unpack([part], rows)]
    return {name: values if isinstance(values, list) else values.tolist() for name, values in found}


@dataclass
class Running:
    """A gateway that answers at `url`."""

    url: str
    address: tuple[str, int]
    client: httpx.Client
    world: World
    grpc: str = ""

    def infer(self, inputs: list[dict[str, Any]], endpoint: str = "price", **more: Any) -> httpx.Response:
        headers = more.pop("headers", None)
        return self.client.post(f"/v2/models/{endpoint}/infer", json={"inputs": inputs, **more}, headers=headers)

    def price(self, area: float = 50.0, rooms: int = 3, **more: Any) -> httpx.Response:
        return self.infer([tensor("area", "FP64", [area]), tensor("rooms", "INT64", [rooms])], **more)

    def wait(self, condition: Callable[[], bool], seconds: float = 10.0) -> None:
        """Ask until it is so; what is waited for happens in other threads."""
        waiting = threading.Event()
        for _ in range(int(seconds / 0.02)):
            if condition():
                return
            waiting.wait(0.02)
        raise AssertionError("it did not happen in time")


def tensor(name: str, datatype: str, data: list[Any], shape: list[int] | None = None, **more: Any) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape or [len(data)], "data": data, **more}


# What counts of workers are kept in: a class of the library's for each worker.
_COUNTS: set[Any] = set()


@contextmanager
def running(world: World, **settings: Any) -> Iterator[Running]:
    """A gateway worker in a thread."""
    configured = replace(world.settings, **settings)
    listener = socket.create_server(("127.0.0.1", 0))
    ready = threading.Event()
    loop_box: dict[str, Any] = {}

    async def serve() -> None:
        async with gateway(configured, world.store, "gw0", load=world.load) as app:
            server = HttpServer(app.handle)
            _COUNTS.add(values.ValueClass)
            loop_box["grpc"] = app.grpc_port
            loop_box["stop"] = partial(asyncio.get_running_loop().call_soon_threadsafe, server.stop)
            ready.set()
            await server.serve(listener)

    thread = threading.Thread(target=uvloop.run, args=(serve(),))
    address = listener.getsockname()
    thread.start()
    try:
        assert ready.wait(30)
        url = f"http://127.0.0.1:{address[1]}"
        with httpx.Client(base_url=url, timeout=20) as client:
            yield Running(url, address, client, world, f"127.0.0.1:{loop_box['grpc']}")
    finally:
        if "stop" in loop_box:
            loop_box["stop"]()
        thread.join(20)


@pytest.fixture(scope="module", autouse=True)
def _close_counts() -> Iterator[None]:
    """The library holds the files of its counts until the process ends; this process is hundreds of workers.

    After a module, since workers that run side by side in one process share what the newest has opened.
    """
    yield
    for counts in _COUNTS:
        files = getclosurevars(counts._MmapedValue__reset).nonlocals["files"]
        for file in files.values():
            file.close()
        files.clear()
    _COUNTS.clear()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    settings = Settings(home=tmp_path / "home", no_auth=True)
    settings.home.mkdir()
    store = Store.open(settings.database_url)
    yield World(settings, store)
    store.close()


@pytest.fixture
def price_world(world: World) -> World:
    """One endpoint `price`, answered by `price:1`."""
    world.plan("price", world.register("price:1", PRICE, price_model()))
    return world


@pytest.fixture(scope="module")
def start_shared(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """`with start_shared({endpoint: (contract, model)})`: a server for the tests of a module."""

    @contextmanager
    def start_one(endpoints: dict[str, tuple[Contract, bytes]]) -> Iterator[Running]:
        settings = Settings(home=tmp_path_factory.mktemp("home"), no_auth=True)
        store = Store.open(settings.database_url)
        world = World(settings, store)
        for name, (contract, model) in endpoints.items():
            world.plan(name, world.register(f"{name}:1", contract, model))
        with running(world) as found:
            yield found
        store.close()

    return start_one


@pytest.fixture(scope="module")
def shared(start_shared: Callable[..., Any]) -> Iterator[Running]:
    """A server for tests that leave nothing behind."""
    with start_shared({"price": (PRICE, price_model()), "size": (SIZE, size_model())}) as found:
        yield found


@dataclass(frozen=True)
class Models:
    """Contracts and graphs."""

    PRICE = PRICE
    SIZE = SIZE
    WIDER_PRICE = WIDER_PRICE
    VECTOR = VECTOR
    ANY_LENGTH = ANY_LENGTH
    TEXT = TEXT
    wider_price_model = staticmethod(wider_price_model)
    price_model = staticmethod(price_model)
    size_model = staticmethod(size_model)
    vector_model = staticmethod(vector_model)
    text_model = staticmethod(text_model)


@pytest.fixture
def models() -> Models:
    return Models()


@pytest.fixture(scope="module")
def module_models() -> Models:
    return Models()


@pytest.fixture(name="tensor")
def tensor_fixture() -> Callable[..., dict[str, Any]]:
    return tensor


@pytest.fixture(name="plain")
def plain_fixture() -> Callable[..., dict[str, list[Any]]]:
    return plain


@pytest.fixture
def start() -> Callable[..., Any]:
    """`with start(world) as server`."""
    return running


@pytest.fixture
def server(price_world: World) -> Iterator[Running]:
    with running(price_world) as found:
        yield found
