"""The data plane between HTTP and handlers: HTTP in, `Request` out; `Answer` in, HTTP out.

Refuses in this order, each before the next costs anything: a foreign host, an unknown path or method, an unknown key, a
key that may not, a body that is too large.
"""

import asyncio
import time

from interlock.gateway import packing
from interlock.gateway.errors import answer_of
from interlock.gateway.exchange import Answer, Request
from interlock.gateway.hosts import HostCheck
from interlock.gateway.http_protocol import Incoming
from interlock.gateway.key_ring import KeyRing, require
from interlock.gateway.metrics import Metrics
from interlock.gateway.refusals import refuse
from interlock.gateway.routes import Route, Routes


class GatewayApp:
    """The application of a gateway worker.

    Args:
        max_body_bytes: Larger bodies are refused, before they are read if they say so.

    Attributes:
        grpc_port: Where the same is answered over gRPC; None if it is not.
    """

    grpc_port: int | None = None

    def __init__(
        self, routes: Routes, key_ring: KeyRing, hosts: HostCheck, metrics: Metrics, *, max_body_bytes: int
    ) -> None:
        self._routes, self._key_ring, self._hosts, self._metrics = routes, key_ring, hosts, metrics
        self._max_body_bytes = max_body_bytes

    async def handle(self, incoming: Incoming) -> Answer:
        """Answer a request, whatever happens."""
        headers, route = incoming.headers, None
        try:
            self._hosts.check(headers.get(b"host"), headers.get(b"origin"))
            route = self._routes.find(incoming.path, incoming.method)
            answer = await self._answer(route, incoming)
        except Exception as error:
            return self._refuse(route, incoming, error)
        if b"accept-encoding" in headers and packing.is_worth_it(answer):
            await packing.pack(answer, headers[b"accept-encoding"])
        return answer

    async def _answer(self, route: Route, incoming: Incoming) -> Answer:
        # Health routes need no key. Whoever they tell, they tell nothing.
        key = self._key_ring.everyone
        if route.actions:
            key = await self._key_ring.identify(incoming.headers.get(b"authorization"))
            require(key, route.actions, route.endpoint)
        body = b""
        if incoming.method == "POST":
            body = await incoming.body(self._max_body_bytes)
        else:
            incoming.check_length(self._max_body_bytes)
        return await route.handle(Request(incoming.headers, body, key, time.perf_counter_ns()))

    def _refuse(self, route: Route | None, incoming: Incoming, error: Exception) -> Answer:
        endpoint = route.endpoint if route is not None and route.endpoint is not None else ""
        failure = refuse(error, endpoint, self._metrics, asyncio.get_running_loop().time() - incoming.began)
        return answer_of(failure, mlflow=route is not None and route.is_mlflow)
