"""The Open Inference Protocol over gRPC: messages in, the handlers of HTTP behind them, messages out.

A method finds its endpoint, checks the caller's key, and asks the same `Predict`, `Describe` and `Catalogue` as a route
does. Metadata are headers: `authorization`, `x-interlock-key` (with `-bin` for what is not ASCII), and
`x-interlock-deadline-ms`. The call's own deadline counts too, the nearer of both. What every answer says of itself in
HTTP's headers is in the trailing metadata.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import msgspec
from google.protobuf import json_format

from interlock.domain.errors import InvalidInputError, NotFoundError, UnauthenticatedError
from interlock.gateway import grpc_codec, grpc_messages
from interlock.gateway.exchange import Answer, Request
from interlock.gateway.handlers import Handlers, answer_headers
from interlock.gateway.key_ring import KeyRing, require
from interlock.gateway.metrics import Metrics
from interlock.gateway.refusals import refuse
from interlock.gateway.routes import LOOK, PREDICT, refuse_model
from interlock.gateway.served import resolve_version

Method = Callable[[Any, Any], Awaitable[Any]]

# What is not here is INTERNAL.
_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    429: grpc.StatusCode.UNAVAILABLE,
    501: grpc.StatusCode.UNIMPLEMENTED,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}

# Messages are cut here, as HTTP's headers have a limit too and clients drop what is longer.
_LONGEST_MESSAGE = 4000
_KEPT = (b"authorization", b"x-interlock-key", b"x-interlock-deadline-ms")
# gRPC's deadline is infinite unless set; beyond this it is as good as none.
_LONGEST_DEADLINE_SECONDS = 3600.0


class GrpcService:
    """The methods of both services."""

    def __init__(self, handlers: Handlers, key_ring: KeyRing, metrics: Metrics) -> None:
        self._board, self._predict = handlers.board, handlers.predict
        self._describe, self._catalogue = handlers.describe, handlers.catalogue
        self._key_ring, self._metrics = key_ring, metrics

    def handlers(self) -> list[Any]:
        """Generic handlers for the server."""
        inference: dict[str, Method] = {
            "ServerLive": self._live,
            "ServerReady": self._ready,
            "ModelReady": self._model_ready,
            "ServerMetadata": self._server,
            "ModelMetadata": self._model,
            "ModelInfer": self._infer,
            "RepositoryIndex": self._index,
            "ModelConfig": self._config,
            "ModelStatistics": self._statistics,
        }
        return [
            self._generic(grpc_messages.INFERENCE, inference),
            self._generic(grpc_messages.HEALTH, {"Check": self._check}),
        ]

    def _generic(self, service: str, methods: dict[str, Method]) -> Any:
        handlers = {}
        for name, (asked, answered) in grpc_messages.methods(service).items():
            handlers[name] = grpc.unary_unary_rpc_method_handler(
                self._guarded(methods[name], answered),
                request_deserializer=asked.FromString,
                response_serializer=answered.SerializeToString,
            )
        return grpc.method_handlers_generic_handler(service, handlers)

    def _guarded(self, method: Method, answered: Any) -> Method:
        """The method with its errors told, and answers in JSON made messages."""

        async def answer(message: Any, context: Any) -> Any:
            began_ns = time.perf_counter_ns()
            try:
                found = await method(message, _Asked(context, began_ns))
            except Exception as error:
                name = getattr(message, "model_name", "") or getattr(message, "name", "")
                endpoint = name if self._board.find(name) is not None else ""
                await _abort(context, refuse(error, endpoint, self._metrics, (time.perf_counter_ns() - began_ns) / 1e9))
                raise
            if isinstance(found, Answer):
                return json_format.ParseDict(msgspec.json.decode(found.body), answered(), ignore_unknown_fields=True)
            return found

        return answer

    # Without a key.

    async def _live(self, _message: Any, asked: "_Asked") -> Any:
        return await self._describe.live(asked.by(self._key_ring.everyone))

    async def _ready(self, _message: Any, asked: "_Asked") -> Any:
        return await self._describe.ready(asked.by(self._key_ring.everyone))

    async def _check(self, message: Any, asked: "_Asked") -> Any:
        if message.service not in ("", grpc_messages.INFERENCE):
            raise NotFoundError("service", message.service[:128], [grpc_messages.INFERENCE])
        is_ready = (await self._describe.ready(asked.by(self._key_ring.everyone))).status == 200
        return Answer(msgspec.json.encode({"status": "SERVING" if is_ready else "NOT_SERVING"}))

    # With one.

    async def _server(self, _message: Any, asked: "_Asked") -> Any:
        return await self._describe.server(await self._request(asked, LOOK))

    async def _model_ready(self, message: Any, asked: "_Asked") -> Any:
        request, pinned = await self._model_request(message.name, message.version, asked, LOOK)
        return await self._describe.model_ready(message.name, request, pinned)

    async def _model(self, message: Any, asked: "_Asked") -> Any:
        request, pinned = await self._model_request(message.name, message.version, asked, LOOK)
        return await self._describe.model(message.name, request, pinned)

    async def _config(self, message: Any, asked: "_Asked") -> Any:
        request, pinned = await self._model_request(message.name, message.version, asked, LOOK)
        config = await self._catalogue.config(message.name, request, pinned)
        return Answer(b'{"config":' + config.body + b"}")

    async def _statistics(self, message: Any, asked: "_Asked") -> Any:
        if not message.name:
            return await self._catalogue.statistics(await self._request(asked, LOOK))
        request, pinned = await self._model_request(message.name, message.version, asked, LOOK)
        return await self._catalogue.statistics(request, message.name, pinned)

    async def _index(self, message: Any, asked: "_Asked") -> Any:
        request = await self._request(asked, LOOK)
        request.body = msgspec.json.encode({"ready": message.ready})
        index = await self._catalogue.index(request)
        return Answer(b'{"models":' + index.body + b"}")

    async def _infer(self, message: Any, asked: "_Asked") -> Any:
        endpoint, given = message.model_name, None
        request, pinned = await self._model_request(endpoint, message.model_version, asked, PREDICT)
        try:
            given, raw = grpc_codec.decode(message)
            encoder, prediction = await self._predict.ask(endpoint, request, given, raw, pinned)
        except InvalidInputError as error:
            request.body = message.SerializeToString() if given is None else msgspec.json.encode(given)
            self._predict.refused(endpoint, request, error, given.parameters if given is not None else None)
            raise
        asked.tell(answer_headers(prediction))
        return grpc_codec.encode(encoder, prediction)

    async def _request(self, asked: "_Asked", actions: tuple[str, ...]) -> Request:
        key = await self._key_ring.identify(asked.headers.get(b"authorization"))
        require(key, actions, None)
        return asked.by(key)

    async def _model_request(
        self, name: str, version: str, asked: "_Asked", actions: tuple[str, ...]
    ) -> tuple[Request, str | None]:
        """The request, if its key may ask this endpoint and there is such a version; and the version it names."""
        request = asked.by(await self._key_ring.identify(asked.headers.get(b"authorization")))
        served = self._board.find(name)
        if served is None or (version and resolve_version(served, version) is None):
            rest = ["versions", version] if version else []
            await refuse_model(self._board, actions, name, rest, request)
        require(request.key, actions, name)
        return request, version or None


class _Asked:
    """What a call brings beside its message."""

    __slots__ = ("_began_ns", "_context", "headers")

    def __init__(self, context: Any, began_ns: int) -> None:
        self._context, self._began_ns = context, began_ns
        self.headers = headers_of(context.invocation_metadata())
        left = context.time_remaining()
        if left is not None and left < _LONGEST_DEADLINE_SECONDS:
            self._hasten(max(left, 0.0) * 1000)

    def _hasten(self, milliseconds: float) -> None:
        """Take the call's own deadline, unless the other is nearer, or is none and will be refused as such."""
        given = self.headers.get(b"x-interlock-deadline-ms")
        try:
            if given is not None and not float(given) > milliseconds:
                return
        except ValueError:
            return
        self.headers[b"x-interlock-deadline-ms"] = b"%.3f" % max(milliseconds, 0.001)

    def by(self, key: Any) -> Request:
        return Request(self.headers, b"", key, self._began_ns)

    def tell(self, headers: list[tuple[bytes, bytes]]) -> None:
        self._context.set_trailing_metadata(tuple((name.decode(), value.decode("latin-1")) for name, value in headers))


def headers_of(metadata: Any) -> dict[bytes, bytes]:
    """The metadata that have a meaning here, as HTTP's headers. Of one that came twice, the last."""
    headers: dict[bytes, bytes] = {}
    for name, value in metadata or ():
        plain = name.removesuffix("-bin").encode()
        if plain in _KEPT:
            headers[plain] = value if isinstance(value, bytes) else value.encode()
    return headers


async def _abort(context: Any, failure: Any) -> None:
    """End the call with the status of a failure; raises."""
    code = _CODES.get(failure.status, grpc.StatusCode.INTERNAL)
    metadata = [(name.decode(), value.decode("latin-1")) for name, value in failure.headers]
    seconds = dict(metadata).get("retry-after")
    if seconds is not None:  # gRPC's own word for it
        metadata.append(("grpc-retry-pushback-ms", str(int(seconds) * 1000)))
    await context.abort(code, failure.message[:_LONGEST_MESSAGE], tuple(metadata))


class KeyCheck(grpc.aio.ServerInterceptor):  # type: ignore[misc]  # untyped library
    """Refuses calls without a known key before their message is read."""

    def __init__(self, key_ring: KeyRing, metrics: Metrics) -> None:
        self._key_ring, self._metrics = key_ring, metrics

    async def intercept_service(self, continuation: Callable[[Any], Awaitable[Any]], details: Any) -> Any:
        """Let the call through, or put a refusal in the place of its handler."""
        if details.method.rpartition("/")[2] in ("ServerLive", "ServerReady", "Check"):
            return await continuation(details)
        try:
            await self._key_ring.identify(headers_of(details.invocation_metadata).get(b"authorization"))
        except UnauthenticatedError as error:
            failure = refuse(error, "", self._metrics, 0.0)

            async def refused(_message: bytes, context: Any) -> Any:
                await _abort(context, failure)

            return grpc.unary_unary_rpc_method_handler(refused)
        return await continuation(details)
