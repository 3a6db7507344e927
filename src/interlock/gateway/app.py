"""The ASGI shell: HTTP in, `Request` out; `Answer` in, HTTP out. All that is known of HTTP is here and in `bodies`.

Refuses in this order, each before the next costs anything: a foreign host, an unknown path or method, an unknown key, a
key that may not, a body that is too large.
"""

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from interlock.gateway.bodies import ClientGoneError, Receive, check_length, read_body
from interlock.gateway.errors import answer_of, failure_of
from interlock.gateway.exchange import Answer, Request
from interlock.gateway.hosts import HostCheck
from interlock.gateway.key_ring import KeyRing, require
from interlock.gateway.metrics import Metrics
from interlock.gateway.routes import Route, Routes

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class GatewayApp:
    """The application that uvicorn calls.

    Args:
        max_body_bytes: Larger bodies are refused, before they are read if they say so.
    """

    def __init__(
        self, routes: Routes, key_ring: KeyRing, hosts: HostCheck, metrics: Metrics, *, max_body_bytes: int
    ) -> None:
        self._routes, self._key_ring, self._hosts, self._metrics = routes, key_ring, hosts, metrics
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        route: Route | None = None
        try:
            headers = dict(scope["headers"])
            self._hosts.check(headers.get(b"host"), headers.get(b"origin"))
            route = self._routes.find(scope["path"], scope["method"])
            answer = await self._handle(route, scope, headers, receive)
        except ClientGoneError:
            return
        except Exception as error:
            answer = self._refuse(route, error)
        answer.headers.append((b"content-length", str(len(answer.body)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _handle(self, route: Route, scope: Scope, headers: dict[bytes, bytes], receive: Receive) -> Answer:
        # Health routes need no key. Whoever they tell, they tell nothing.
        key = self._key_ring.everyone
        if route.actions:
            key = await self._key_ring.identify(headers.get(b"authorization"))
            require(key, route.actions, route.endpoint)
        body = b""
        if scope["method"] == "POST":
            body = await read_body(receive, headers, self._max_body_bytes)
        else:
            check_length(headers, self._max_body_bytes)
        return await route.handle(Request(headers, body, key, time.perf_counter_ns()))

    def _refuse(self, route: Route | None, error: Exception) -> Answer:
        failure = failure_of(error)
        endpoint = route.endpoint if route is not None and route.endpoint is not None else ""
        self._metrics.refused(endpoint, failure.status, failure.reason)
        return answer_of(failure, mlflow=route is not None and route.is_mlflow)
