"""A version that is a server of somebody else: Triton, MLServer, KServe or another that speaks Open Inference v2.

Called by gateways (`RemoteRuntime`, in their event loop: no thread waits for an answer) and by registration (`load`).
The address was named by an administrator; what the server says of its model was written down at registration, and one
that says otherwise when it is loaded is another model and is refused.
"""

import asyncio
import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from interlock.domain import times
from interlock.domain.contract import Contract
from interlock.domain.errors import DeadlineExceededError, ModelFailedError, UnloadableModelError
from interlock.domain.model import ModelVersion
from interlock.domain.ports import Columns, rows_of
from interlock.runtimes import open_inference
from interlock.runtimes.breaker import Breaker
from interlock.runtimes.checked import CheckedPredictor, first_line
from interlock.runtimes.http_client import HttpAnswer, HttpClient, HttpError
from interlock.runtimes.open_inference import Metadata, ServerMetadata, Tensor, WrongAnswerError
from interlock.runtimes.raw_answers import ANSWER, outputs_of
from interlock.runtimes.remote_address import RemoteAddress
from interlock.runtimes.row_by_row import joined, single_rows

log = logging.getLogger(__name__)

METADATA_SECONDS = 10.0

_METADATA_BYTES = 1 << 20
_ANSWER_BYTES = 64 << 20

# Beyond the connections that work: bounds memory while the server is slow.
_MOST_WAITING = 256

# The server is there and answers for the model, or something before it says that it is not.
_UNAVAILABLE = frozenset({429, 502, 503, 504})

Outputs = dict[str, NDArray[Any]]


class RemoteModel(msgspec.Struct, frozen=True, kw_only=True):
    """A remote model as it is stored with its version.

    Args:
        address: Where it is.
        inputs, outputs: As its metadata has them; empty where it says nothing.
        binary: Whether it takes tensors as raw bytes.
        matrix: Name of the one tensor that all columns go into; None: a tensor for each.
        roles: What the contract calls an output, to what the server calls it.
    """

    address: RemoteAddress
    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()
    binary: bool = False
    matrix: str | None = None
    roles: dict[str, str] = {}

    @property
    def takes_one_row(self) -> bool:
        return any(tensor.shape[:1] == (1,) for tensor in self.inputs)


def read(path: Path) -> RemoteModel:
    """Read a stored address.

    Raises:
        UnloadableModelError: It is none.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=RemoteModel)
    except msgspec.MsgspecError as error:
        raise UnloadableModelError(f"the stored address of a remote model cannot be read: {error}") from error


def load(path: Path, version: ModelVersion) -> "RemotePredictor":
    """Load a stored address, to be asked from outside an event loop."""
    return RemotePredictor(read(path), version.contract)


def ask_metadata(address: RemoteAddress) -> RemoteModel:
    """What a server says of its model. Blocks; not to be called in an event loop.

    Raises:
        UnloadableModelError: It cannot be reached, is not ready, or does not speak the protocol.
    """
    return asyncio.run(_metadata(address))


class RemoteRuntime:
    """A remote model as a gateway sees it. Building it blocks until the server has said that it is what it was.

    Raises:
        UnloadableModelError: The server cannot be reached, is not ready, or its model has changed.
    """

    def __init__(self, version: ModelVersion, path: Path) -> None:
        self._ref, self._contract = version.ref, version.contract
        model = read(path)
        _check_unchanged(model, ask_metadata(model.address))
        self._caller = _Caller(model, version.contract)
        self._breaker = Breaker()
        self._waiting, self._closed = 0, False

    rows_in_loop = 0

    def predict_now(self, columns: Columns) -> Outputs:
        raise NotImplementedError("a server is never asked within a turn of the event loop")

    async def predict(self, columns: Columns, deadline_seconds: float) -> Outputs:
        self._refuse_early()
        self._waiting += 1
        try:
            async with asyncio.timeout(deadline_seconds):
                outputs = await self._caller.ask(columns)
        except TimeoutError:
            self._breaker.failed(time.monotonic())
            raise DeadlineExceededError(self._ref, deadline_seconds * 1000) from None
        except HttpError as error:
            self._breaker.failed(time.monotonic())
            raise self._failure("model_error", str(error)) from None
        except WrongAnswerError as error:
            self._breaker.succeeded()  # it is there, and answers
            raise self._failure("invalid_output", str(error)) from None
        except _RefusedError as error:
            self._breaker.succeeded()
            raise self._failure("model_error", str(error)) from None
        except ValueError as error:  # the rows do not fit what the server takes
            raise self._failure("model_error", first_line(error)) from None
        finally:
            self._waiting -= 1
        self._breaker.succeeded()
        return CheckedPredictor(_Given(outputs), self._contract, self._ref).predict(columns)

    async def close(self) -> None:
        self._closed = True
        await self._caller.close()

    def _failure(self, status: str, reason: str) -> ModelFailedError:
        log.warning("model %s failed on its server (%s): %s", self._ref, status, reason)
        return ModelFailedError(self._ref, status, reason)

    def _refuse_early(self) -> None:
        if self._closed:
            raise ModelFailedError(self._ref, "breaker_open", "it is being unloaded")
        if not self._breaker.allows(time.monotonic()):
            failures = self._breaker.failures
            raise ModelFailedError(self._ref, "breaker_open", f"{failures} failures of its server in a row")
        if self._waiting >= _MOST_WAITING:
            raise ModelFailedError(self._ref, "breaker_open", f"{_MOST_WAITING} requests wait already")


class RemotePredictor:
    """A remote model asked from outside an event loop. One request at a time."""

    def __init__(self, model: RemoteModel, contract: Contract, *, answer_seconds: float = 30.0) -> None:
        self._answer_seconds, self._runner = answer_seconds, asyncio.Runner()
        self._caller, self._closed = _Caller(model, contract), False

    def predict(self, columns: Columns) -> Outputs:
        return self._runner.run(self._ask(columns))

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._runner.run(self._caller.close())
            self._runner.close()

    async def _ask(self, columns: Columns) -> Outputs:
        async with asyncio.timeout(self._answer_seconds):
            return await self._caller.ask(columns)


class _Given:
    """Outputs that are there already, as a predictor that `CheckedPredictor` can check."""

    def __init__(self, outputs: Outputs) -> None:
        self._outputs = outputs

    def predict(self, columns: Columns) -> Outputs:  # noqa: ARG002 (a predictor)
        return self._outputs

    def close(self) -> None:
        """Nothing to free."""


class _RefusedError(Exception):
    """The server is well and refuses the request."""


class _Caller:
    """Turns columns into requests, and answers into outputs."""

    def __init__(self, model: RemoteModel, contract: Contract) -> None:
        self._model, self._contract = model, contract
        self._client = _client(model.address)
        self._headers = _headers(model.address)
        self._path = f"{model.address.path}/infer"
        self._names = [field.name for field in contract.inputs]
        self._times = {field.name: field.time for field in contract.inputs if field.time is not None}
        self._tensors = {tensor.name: tensor for tensor in model.inputs}

    async def ask(self, columns: Columns) -> Outputs:
        rows = rows_of(columns)
        if not self._model.takes_one_row or rows == 1:
            return self._outputs(await self._infer(columns), rows)
        return joined([self._outputs(await self._infer(row), 1) for row in single_rows(columns)])

    async def close(self) -> None:
        await self._client.close()

    async def _infer(self, columns: Columns) -> Outputs:
        written = {
            name: times.integers(columns[name], time)
            if time.model_takes == "integer"
            else times.texts(columns[name], time)
            for name, time in self._times.items()
        }
        body, headers = open_inference.encode(self._inputs({**columns, **written}), binary=self._model.binary)
        answer = await self._client.ask(
            "POST", self._path, headers={**self._headers, **headers}, body=body, most_bytes=_ANSWER_BYTES
        )
        _check_status(answer)
        length = answer.headers.get(open_inference.LENGTH_HEADER.lower())
        return open_inference.decode(bytes(answer.body), length)

    def _inputs(self, columns: Columns) -> Mapping[str, tuple[str, NDArray[Any]]]:
        if self._model.matrix is not None:
            tensor = self._tensors.get(self._model.matrix)
            texts = any(columns[name].dtype == object for name in self._names)
            dtype = object if texts else np.float64
            matrix = np.column_stack([np.asarray(columns[name], dtype=dtype) for name in self._names])
            return {self._model.matrix: (tensor.datatype if tensor else "BYTES" if texts else "FP64", matrix)}
        return {name: (self._tensors[name].datatype, self._shaped(columns[name], name)) for name in self._names}

    def _shaped(self, values: NDArray[Any], name: str) -> NDArray[Any]:
        """A column where the server wants a matrix of one column."""
        return values.reshape(-1, 1) if values.ndim == 1 and len(self._tensors[name].shape) == 2 else values

    def _outputs(self, given: Outputs, rows: int) -> Outputs:
        if not self._contract.outputs:
            return given
        missing = [name for name in self._model.roles.values() if name not in given]
        if missing:
            raise WrongAnswerError(f"the server answers with {', '.join(given) or 'nothing'}, without {missing[0]}")
        named = {role: given[name] for role, name in self._model.roles.items()}
        wrong = next((role for role, values in named.items() if values.ndim == 0 or len(values) != rows), None)
        if wrong is not None:
            raise WrongAnswerError(f"output {self._model.roles[wrong]!r} does not have {rows} rows")
        if ANSWER in named:
            return outputs_of(named[ANSWER], self._contract)
        return outputs_of(named, self._contract)


async def _metadata(address: RemoteAddress) -> RemoteModel:
    client, headers = _client(address), _headers(address)

    async def get(path: str, kind: Any) -> Any:
        answer = await client.ask("GET", path, headers=headers, most_bytes=_METADATA_BYTES)
        _check_status(answer)
        return msgspec.json.decode(bytes(answer.body), type=kind) if kind is not None else None

    try:
        async with asyncio.timeout(METADATA_SECONDS):
            await get(f"{address.path}/ready", None)
            found: Metadata = await get(address.path, Metadata)
            server = await _server(get, address)
    except TimeoutError:
        raise UnloadableModelError(f"{address.url} does not answer within {METADATA_SECONDS:g} s") from None
    except (HttpError, _RefusedError) as error:
        raise UnloadableModelError(f"{address.url} cannot be used: {error}") from error
    except msgspec.MsgspecError as error:
        raise UnloadableModelError(f"{address.url} does not speak Open Inference v2: {error}") from error
    finally:
        await client.close()
    binary = open_inference.BINARY_EXTENSION in server.extensions
    return RemoteModel(address=address, inputs=found.inputs or (), outputs=found.outputs or (), binary=binary)


async def _server(get: Any, address: RemoteAddress) -> ServerMetadata:
    """What the server says of itself; gateways in front of it may not pass that on."""
    try:
        server: ServerMetadata = await get(address.server_path, ServerMetadata)
    except (_RefusedError, msgspec.MsgspecError):
        return ServerMetadata()
    return server


def _check_unchanged(model: RemoteModel, found: RemoteModel) -> None:
    if (model.inputs, model.outputs) != (found.inputs, found.outputs):
        raise UnloadableModelError(
            f"{model.address.url} has changed: it takes {_shown(found.inputs)} and gives {_shown(found.outputs)}, and "
            f"was registered with {_shown(model.inputs)} and {_shown(model.outputs)}; register it again"
        )


def _shown(tensors: tuple[Tensor, ...]) -> str:
    return ", ".join(f"{one.name} {one.datatype} {list(one.shape)}" for one in tensors) or "nothing named"


def _client(address: RemoteAddress) -> HttpClient:
    return HttpClient(*address.origin)


def _headers(address: RemoteAddress) -> dict[str, str]:
    if address.token_env is None:
        return {}
    token = os.environ.get(address.token_env, "").strip()
    if not token:
        raise UnloadableModelError(
            f"the environment variable {address.token_env} is not set where the server runs; it holds the token of "
            f"{address.url}"
        )
    if not (token.isascii() and token.isprintable()):
        raise UnloadableModelError(f"the environment variable {address.token_env} holds what is no token")
    return {"Authorization": f"Bearer {token}"}


def _check_status(answer: HttpAnswer) -> None:
    """Raises HttpError for a server that is not there for us, `_RefusedError` for one that is and says no."""
    if answer.status == 200:
        return
    if 300 <= answer.status < 400:
        raise HttpError(f"the server redirects ({answer.status}), which is not followed; name the final address")
    said = f"the server answers {answer.status}: {open_inference.error_of(bytes(answer.body))}"
    if answer.status in _UNAVAILABLE:
        raise HttpError(said)
    raise _RefusedError(said)
