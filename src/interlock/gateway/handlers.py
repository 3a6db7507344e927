"""What each route does, free of transport: `handle(Request) -> Answer`.

Reads the protocol, hands the call to `Answering`, and lets the protocol write the answer. Routes and permissions are in
`routes`; what is served is looked up when the request comes, never before.
"""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from typing import Any

import msgspec

from interlock.domain.contract import Contract
from interlock.domain.errors import InvalidInputError, OverloadedError
from interlock.gateway import binary_tensors, described, invocations, open_inference
from interlock.gateway.answering import Answering
from interlock.gateway.calls import Call, Prediction
from interlock.gateway.catalogue import Catalogue
from interlock.gateway.columns import Rows
from interlock.gateway.decisions import decisions
from interlock.gateway.event_times import event_time_of_refused, event_times
from interlock.gateway.exchange import Answer, Headers, Request
from interlock.gateway.feedback import Feedback
from interlock.gateway.images import ImageDecoding
from interlock.gateway.labels import labels
from interlock.gateway.metrics import Metrics
from interlock.gateway.open_inference import InferRequest
from interlock.gateway.rejections import Rejections
from interlock.gateway.rewards import REWARDS
from interlock.gateway.served import Board, LoadedVersion, ServedEndpoint, pinned_version
from interlock.gateway.telemetry import Telemetry

_VERSION = installed_version("interlock")
# As Triton calls them.
_EXTENSIONS = ["binary_tensor_data", "model_configuration", "statistics"]
_LONGEST_ID = 256
# By a challenger, by the champion, and by a process that was started again: each has the endpoint's deadline.
_ATTEMPTS = 3
_MOST_IDS_IN_HEADER = 50
_TEXT = (b"content-type", b"text/plain; charset=utf-8")
_PROMETHEUS = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")


def _json(value: Any, status: int = 200) -> Answer:
    return Answer(msgspec.json.encode(value), status)


class Predict:
    """`infer` and `invocations`."""

    def __init__(self, board: Board, answering: Answering, rejections: Rejections) -> None:
        self._board, self._answering, self._rejections = board, answering, rejections
        self._images = ImageDecoding()

    async def infer(self, endpoint: str, request: Request, pinned: str | None = None) -> Answer:
        """Open Inference Protocol."""
        header, given = request.headers.get(binary_tensors.HEADER), None
        try:
            if header == binary_tensors.RAW:
                given, raw = open_inference.of_raw(request.body, self._target(endpoint, pinned).contract)
            else:
                given, raw = open_inference.decode(request.body, header)
            encoder, prediction = await self.ask(endpoint, request, given, raw, pinned)
        except InvalidInputError as error:
            self.refused(endpoint, request, error, given.parameters if given is not None else None)
            raise
        answer = encoder.encode(prediction)
        answer.headers += answer_headers(prediction)
        return answer

    async def ask(
        self, endpoint: str, request: Request, given: InferRequest, raw: bytes, pinned: str | None = None
    ) -> tuple[open_inference.Encoder, Prediction]:
        """Answer a decoded request of the Open Inference Protocol, whatever brought it.

        Args:
            request: Who asks, with which headers; its body has been read.
            raw: The binary data of its inputs.
            pinned: The version it names.
        """
        served = self._board.get(endpoint)
        version = pinned_version(served, pinned)
        target = version or served.champion
        rows = open_inference.read_rows(given, raw, target.reader)
        if rows.undecoded is not None:
            await self._images.decode(rows, target.reader)
        encoder = open_inference.Encoder(given, target.contract)
        if given.id is not None and len(given.id) > _LONGEST_ID:
            raise InvalidInputError(f"id has {len(given.id)} characters, must have at most {_LONGEST_ID}")
        parameters = given.parameters
        call = _call(served, version, rows, request, parameters.get("event_at") if parameters else None)
        if parameters:
            _obey(parameters, call)
        call.request_id = given.id
        return encoder, await self._answering.answer(call)

    def refused(
        self, endpoint: str, request: Request, error: InvalidInputError, parameters: dict[str, Any] | None
    ) -> None:
        """Count a request that the contract refused.

        Args:
            parameters: The request's, as far as it could be read.
        """
        event_at = event_time_of_refused((parameters or {}).get("event_at"), request.key, time.time_ns() // 1000)
        # A body that broke the contract has no columns for rules on columns: where there are rules, none is kept.
        body = request.body if self._board.get(endpoint).log_rules is None else None
        self._rejections.add(endpoint, error, body, event_at)

    def _target(self, endpoint: str, pinned: str | None) -> LoadedVersion:
        served = self._board.get(endpoint)
        return pinned_version(served, pinned) or served.champion

    async def invoke(self, endpoint: str, request: Request) -> Answer:
        """MLflow."""
        served, given = self._board.get(endpoint), None
        champion = served.champion
        kind = request.headers.get(b"content-type", b"")
        try:
            given = invocations.decode(request.body, kind, champion.reader)
            every_output = invocations.wants_all(given)
            rows = invocations.read_rows(given, champion.reader)
            if rows.undecoded is not None:
                await self._images.decode(rows, champion.reader)
            call = _call(served, None, rows, request, (given.params or {}).get("event_at"))
        except InvalidInputError as error:
            self.refused(endpoint, request, error, given.params if given is not None else None)
            raise
        prediction = await self._answering.answer(call)
        answer = invocations.encode(prediction, every_output=every_output)
        answer.headers += answer_headers(prediction)
        return answer


def _obey(parameters: dict[str, Any], call: Call) -> None:
    """What Triton's clients may ask for in a request's parameters. Unknown ones are other servers' and are ignored.

    Raises:
        InvalidInputError: The request would be one of a sequence: here each stands alone.
    """
    if parameters.get("sequence_id"):
        raise InvalidInputError("parameters.sequence_id: sequences are not supported, each request stands alone")
    microseconds = parameters.get("timeout")
    if call.deadline_seconds is None and type(microseconds) is int and microseconds > 0:
        _hasten(call, microseconds / 1e6)


def _hasten(call: Call, seconds: float) -> None:
    """Take a caller's own deadline where it can come before the endpoint's.

    A client that sets a minute on everything is in no hurry: what is late for it is late by the endpoint's own
    deadline, and evidence against the version.
    """
    if seconds < _ATTEMPTS * call.served.deadline_seconds:
        call.deadline_seconds = seconds


def answer_headers(prediction: Prediction) -> Headers:
    """What every answer says of itself, whatever brings it."""
    call = prediction.call
    ids = call.prediction_ids
    text = ids[0] if len(ids) == 1 else ",".join(ids[:_MOST_IDS_IN_HEADER])
    headers = [
        (b"x-interlock-prediction-id", text.encode()),
        (b"x-interlock-version", prediction.answered.version.ref.encode()),
    ]
    if call.fell_back:
        headers.append((b"x-interlock-fallback", b"1"))
    if not prediction.is_recorded:
        headers.append((b"x-interlock-unrecorded", b"1"))
    return headers


def _call(served: ServedEndpoint, pinned: LoadedVersion | None, rows: Rows, request: Request, event_at: Any) -> Call:
    headers = request.headers
    call = Call(served, rows, request.began_ns, pinned)
    if (unit_key := headers.get(b"x-interlock-key")) is not None:
        call.unit_key = _unit_key(unit_key)
    if (deadline := headers.get(b"x-interlock-deadline-ms")) is not None:
        _hasten(call, _deadline_seconds(deadline))
    if event_at is not None:
        call.event_at_us = event_times(event_at, rows.count, request.key, time.time_ns() // 1000)
    return call


def _unit_key(header: bytes) -> str:
    try:
        text = header.decode().strip()
    except UnicodeDecodeError as error:
        raise InvalidInputError("X-Interlock-Key is not UTF-8 text") from error
    if not 0 < len(text) <= _LONGEST_ID:
        raise InvalidInputError(f"X-Interlock-Key has {len(text)} characters, must have 1 to {_LONGEST_ID}")
    return text


def _deadline_seconds(header: bytes) -> float:
    try:
        milliseconds = float(header)
    except ValueError:
        milliseconds = math.nan
    if not 0 < milliseconds < math.inf:
        raise InvalidInputError(
            f"X-Interlock-Deadline-Ms == {header.decode('latin-1')[:30]!r}, must be a number of milliseconds above 0"
        )
    return max(milliseconds, 0.001) / 1000  # no less than a microsecond: 0 would be none


class Describe:
    """Health and metadata. Answers from memory, also when nothing else is alive."""

    def __init__(self, board: Board, is_ready: Callable[[], bool]) -> None:
        self._board, self._is_ready = board, is_ready

    async def live(self, _request: Request) -> Answer:
        return _json({"live": True})

    async def ready(self, _request: Request) -> Answer:
        is_ready = self._is_ready()
        return _json({"ready": is_ready}, 200 if is_ready else 503)

    async def server(self, _request: Request) -> Answer:
        return _json({"name": "interlock", "version": _VERSION, "extensions": _EXTENSIONS})

    async def model(self, endpoint: str, _request: Request, pinned: str | None = None) -> Answer:
        served = self._board.get(endpoint)
        version = pinned_version(served, pinned) or served.champion
        return _json(
            {
                "name": endpoint,
                "versions": list(served.versions),
                "platform": f"interlock_{version.version.serving_format}",
                **_tensors(version.contract),
            }
        )

    async def model_ready(self, endpoint: str, _request: Request, pinned: str | None = None) -> Answer:
        pinned_version(self._board.get(endpoint), pinned)
        return _json({"name": endpoint, "ready": True})

    async def ping(self, _request: Request) -> Answer:
        return Answer(b"\n", 200, [_TEXT])

    async def version(self, _request: Request) -> Answer:
        return Answer(_VERSION.encode(), 200, [_TEXT])


@dataclass(frozen=True, slots=True)
class Handlers:
    """What another transport than HTTP asks."""

    board: Board
    predict: Predict
    describe: Describe
    catalogue: Catalogue


def _tensors(contract: Contract) -> dict[str, Any]:
    def listed(fields: Sequence[Any]) -> list[dict[str, Any]]:
        return [described.tensor(found) for found in fields]

    return {"inputs": listed(contract.inputs), "outputs": listed(contract.outputs)}


class Report:
    """Labels, decisions, rewards and readings of devices in, counts out."""

    def __init__(self, board: Board, feedback: Feedback, telemetry: Telemetry, metrics: Metrics) -> None:
        self._board, self._feedback, self._telemetry, self._metrics = board, feedback, telemetry, metrics
        self._one_page = asyncio.Semaphore(1)

    async def label(self, endpoint: str, request: Request) -> Answer:
        return await self._feedback.accept(endpoint, labels(self._contract(endpoint)), request.body)

    async def decide(self, endpoint: str, request: Request) -> Answer:
        return await self._feedback.accept(endpoint, decisions(self._contract(endpoint)), request.body)

    async def reward(self, endpoint: str, request: Request) -> Answer:
        self._board.get(endpoint)
        return await self._feedback.accept(endpoint, REWARDS, request.body)

    async def measure(self, device: str, request: Request) -> Answer:
        return await self._telemetry.accept(device, request.body)

    def _contract(self, endpoint: str) -> Contract:
        return self._board.get(endpoint).champion.contract

    async def metrics(self, _request: Request) -> Answer:
        if self._one_page.locked():
            raise OverloadedError("the metrics are being read already")
        async with self._one_page:
            return Answer(await asyncio.to_thread(self._metrics.page), 200, [_PROMETHEUS])
