"""What is served, in the shapes of other servers: Triton's repository, configuration and statistics, KServe's lists.

Clients of theirs ask for these before they ask a model. Loading and unloading on a caller's word is not among them:
what is served follows from endpoints and releases alone.
"""

import asyncio
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NoReturn

import msgspec

from interlock.domain.access import Key
from interlock.domain.contract import Contract, Field
from interlock.domain.errors import OverloadedError
from interlock.gateway import statistics
from interlock.gateway.columns import MAX_ROWS
from interlock.gateway.errors import RefusedError
from interlock.gateway.exchange import Answer, Request
from interlock.gateway.lenient_json import decode
from interlock.gateway.metrics import Metrics
from interlock.gateway.served import Board, ServedEndpoint, pinned_version


class IndexRequest(msgspec.Struct, gc=False):
    """The JSON of a request for the index; it may be left out."""

    ready: bool = False


_index_decoder = msgspec.json.Decoder(IndexRequest)


class Catalogue:
    """Answers from what is served and counted now. Each caller sees the endpoints that its key may ask."""

    def __init__(self, board: Board, metrics: Metrics) -> None:
        self._board, self._metrics = board, metrics
        self._one_reading = asyncio.Semaphore(1)

    async def index(self, request: Request) -> Answer:
        """`POST /v2/repository/index`: every version of every endpoint, and whether it answers here."""
        body = request.body
        given = decode(body, _index_decoder, IndexRequest) if body.strip() else IndexRequest()
        found = [entry for served in self._visible(request.key) for entry in _entries(served)]
        return _json([entry for entry in found if entry["state"] == "READY" or not given.ready])

    async def models(self, request: Request) -> Answer:
        """`GET /v2/models` and `GET /v1/models`."""
        return _json({"models": [served.name for served in self._visible(request.key)]})

    async def config(self, endpoint: str, _request: Request, pinned: str | None = None) -> Answer:
        """`GET /v2/models/{m}/config`: the part of Triton's configuration that has a meaning here."""
        served = self._board.get(endpoint)
        contract = (pinned_version(served, pinned) or served.champion).contract
        return _json(
            {
                "name": endpoint,
                "platform": "interlock",
                "backend": "interlock",
                "version_policy": {
                    "specific": {"versions": [each.version.version for each in served.versions.values()]}
                },
                "max_batch_size": MAX_ROWS,
                "input": _tensors(contract.inputs),
                "output": _tensors(contract.outputs),
                "parameters": {"task": {"string_value": contract.task}, **_classes(contract)},
            }
        )

    async def statistics(self, request: Request, endpoint: str | None = None, pinned: str | None = None) -> Answer:
        """`GET /v2/models[/{m}[/versions/{v}]]/stats`."""
        asked = [self._board.get(endpoint)] if endpoint is not None else self._visible(request.key)
        if self._one_reading.locked():
            raise OverloadedError("the statistics are being read already")
        async with self._one_reading:
            self._metrics.write()
            samples = await asyncio.to_thread(self._metrics.samples)
        found: list[dict[str, Any]] = []
        for served in asked:
            version = pinned_version(served, pinned)
            found += statistics.of_endpoint(samples, served.name, [version.ref] if version else served.versions)
        return _json({"model_stats": found})

    async def load(self, _request: Request) -> NoReturn:
        """`POST /v2/repository/models/{m}/load` and `unload`."""
        raise RefusedError(
            501,
            "unsupported",
            "models come and go by endpoints and releases: `interlock endpoint`, `interlock release`",
        )

    async def openapi(self, _request: Request) -> Answer:
        """`GET /v2/openapi.json`: this port's OpenAPI document. It tells nothing of this server, so it needs no key."""
        return Answer(_openapi())

    async def alive(self, _request: Request) -> Answer:
        """`GET /`, as KServe has it."""
        return _json({"status": "alive"})

    def _visible(self, key: Key) -> list[ServedEndpoint]:
        found = sorted(self._board.endpoints, key=lambda served: served.name)
        return [served for served in found if not key.endpoints or served.name in key.endpoints]


@cache
def _openapi() -> bytes:
    return files("interlock.gateway").joinpath("openapi.json").read_bytes()


def _entries(served: ServedEndpoint) -> list[dict[str, str]]:
    entries = []
    for ref in served.plan.versions:
        is_loaded = ref in served.versions
        state = {"state": "READY", "reason": ""} if is_loaded else {"state": "UNAVAILABLE", "reason": "not loaded here"}
        entries.append({"name": served.name, "version": ref, **state})
    return entries


def _tensors(fields: Sequence[Field]) -> list[dict[str, Any]]:
    kinds = {"BYTES": "STRING"}
    return [
        {
            "name": field.name,
            "data_type": f"TYPE_{kinds.get(field.datatype, field.datatype)}",
            "dims": list(field.shape),
        }
        for field in fields
    ]


def _classes(contract: Contract) -> dict[str, Any]:
    if not contract.classes:
        return {}
    return {"classes": {"string_value": msgspec.json.encode(contract.classes).decode()}}


def _json(value: Any) -> Answer:
    return Answer(msgspec.json.encode(value))
