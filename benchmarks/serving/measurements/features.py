"""What each feature of the gateway costs: the gateway as it is, and with each feature in turn replaced by nothing.

The gateway runs in this measurement's own process and is asked without HTTP, 32 requests at a time. Features are taken
away here, by putting something empty in their place; the product has no switch for any of them.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import numpy as np
import uvloop

from benchmarks import apart
from benchmarks.serving.home import Home, target
from benchmarks.serving.models import Data
from benchmarks.serving.peers.interlock import COMPILED, Interlock
from benchmarks.serving.target import Target, Workshop
from benchmarks.tables import Table, medians
from interlock.domain.access import Key
from interlock.gateway import answering, app, recording
from interlock.gateway.columns import ColumnReader, Rows
from interlock.gateway.http_protocol import Incoming
from interlock.gateway.key_ring import KeyRing
from interlock.gateway.metrics import Metrics
from interlock.gateway.served import Choice, ServedEndpoint
from interlock.gateway.tensors import Tensor
from interlock.gateway.worker import gateway
from interlock.predictions.spool import Spool
from interlock.settings import Settings
from interlock.store.database import Store

NAME = "features"
ALL, NONE = "all", "everything else: decoding, model, answer"
_AT_A_TIME = 32
# Short slices, and the fastest tenth of them: whatever else the machine does only ever adds.
_SLICE_SECONDS, _FAST = 0.03, 0.1


class Features:
    """Asks the gateway with every feature, and without each.

    Args:
        seconds: For each.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._rounds: list[dict[str, dict[str, float]]] = []

    def run(self, interlock: Interlock, shop: Workshop) -> None:
        """One round."""
        home = interlock.home(shop, COMPILED, "LR").copy(shop.folder / "features")
        found = apart.run(_prepare, home, shop.data, self._seconds).result
        everything = found.pop(ALL)
        rest = found.pop(NONE)
        costs = {name: everything - without for name, without in found.items()}
        self._rounds.append({name: {"µs": cost} for name, cost in {**costs, NONE: rest, ALL: everything}.items()})

    def tables(self) -> list[Table]:
        rows = [{"feature": name, "µs a request": figures["µs"]} for name, figures in medians(self._rounds).items()]
        note = (
            "Processor time without HTTP, LR compiled, in the fastest tenth of many short slices; a feature's cost is "
            "what is saved without it alone. Together they save more or less than their sum, because they share work."
        )
        return [Table(NAME, f"Cost of each feature of the gateway, {_AT_A_TIME} requests at a time", rows, [note])]


def _prepare(home: Home, data: Data, seconds: float) -> Callable[[], dict[str, float]]:
    settings = Settings(home=home.folder)
    (settings.run / "metrics").mkdir(parents=True, exist_ok=True)
    asked = target(home, COMPILED, "LR", home.endpoints[0], data, 80)
    return lambda: uvloop.run(_measure(settings, asked, seconds))


async def _measure(settings: Settings, asked: Target, seconds: float) -> dict[str, float]:
    """Processor time a request in µs: with all features, without each, and without any."""
    store = Store(settings.database_url)
    found: dict[str, list[float]] = {}
    variants = {ALL: (), **{name: (name,) for name in _WITHOUT}, NONE: tuple(_WITHOUT)}
    async with gateway(settings, store, "gw0") as served:
        await _ask(served, asked, seconds / 10)
        for _ in range(max(10, int(seconds / _SLICE_SECONDS))):
            for name, features in variants.items():
                with contextlib.ExitStack() as taken:
                    for feature in features:
                        taken.enter_context(_WITHOUT[feature]())
                    found.setdefault(name, []).append(await _ask(served, asked, _SLICE_SECONDS))
    store.close()
    return {name: float(np.quantile(times, _FAST)) for name, times in found.items()}


async def _ask(served: app.GatewayApp, asked: Target, seconds: float) -> float:
    """Ask for a while, and return the processor time of one request in µs."""
    path = asked.url.removeprefix("http://127.0.0.1:80")
    given = {"content-type": "application/json", "host": "127.0.0.1", **asked.headers}
    headers = {name.lower().encode(): value.encode() for name, value in given.items()}
    body = asked.body.encode()
    end, count = time.perf_counter() + seconds, 0

    async def ask() -> None:
        nonlocal count
        connection: Any = None  # nothing of it is needed where the body is there
        while time.perf_counter() < end:
            incoming = Incoming(
                "POST", path, headers, True, connection, 0.0, size=len(body), is_complete=True, parts=[body]
            )
            answer = await served.handle(incoming)
            if answer.status != 200:
                raise RuntimeError(answer.body.decode())
            count += 1

    began = time.process_time()
    await asyncio.gather(*(ask() for _ in range(_AT_A_TIME)))
    return (time.process_time() - began) / count * 1e6


@contextlib.contextmanager
def _without_key() -> Iterator[None]:
    async def anyone(ring: KeyRing, _authorization: bytes | None) -> Key:
        return ring.everyone

    def nothing(*_: object) -> None: ...

    with patch.object(KeyRing, "identify", anyone), patch.object(app, "require", nothing):
        yield


@contextlib.contextmanager
def _without_contract() -> Iterator[None]:
    def as_given(_reader: ColumnReader, tensors: list[Tensor], _faults: object) -> Rows:
        return Rows(1, matrix=tensors[0].values)

    with patch.object(ColumnReader, "read", as_given):
        yield


@contextlib.contextmanager
def _without_routing() -> Iterator[None]:
    def champion(served: ServedEndpoint, _unit: str, **_: object) -> Choice:
        return next(iter(served.pinned.values()))

    with patch.object(answering, "choose", champion):
        yield


@contextlib.contextmanager
def _without_record() -> Iterator[None]:
    class Nothing:
        def encode(self, *_: object) -> bytes:
            return b""

        pack = encode

    def nothing(*_: object, **__: object) -> None: ...

    with (
        patch.object(recording, "PredictionRecord", nothing),
        patch.object(recording, "encoder", Nothing()),
        patch.object(recording, "parts", Nothing()),
        patch.object(Spool, "append", nothing),
    ):
        yield


@contextlib.contextmanager
def _without_metrics() -> Iterator[None]:
    class Uncounted:
        def answered(self, *_: object) -> None: ...

    uncounted = Uncounted()

    def meter(*_: object) -> Uncounted:
        return uncounted

    with patch.object(Metrics, "meter", meter):
        yield


_WITHOUT = {
    "key": _without_key,
    "contract": _without_contract,
    "routing, canary at 10 %": _without_routing,
    "record": _without_record,
    "metrics": _without_metrics,
}
