"""The worker's HTTP server: connections on a socket that other workers share, until it is told to stop.

Stopping lets requests under way finish: nothing new is accepted, idle connections close, and the rest close with their
answer.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from email.utils import formatdate

from interlock.gateway.exchange import Answer
from interlock.gateway.http_protocol import HEAD_SECONDS, HttpConnection, Incoming

_BACKLOG = 2048
_DRAIN_SECONDS = 10.0
_LOOK_SECONDS = 1.0
# Each costs a few kilobytes, and up to 256 KiB while its body waits.
MOST_CONNECTIONS = 10_000


class HttpServer:
    """Serves one application on one or more sockets.

    Args:
        handle: Answers a request, and never raises.
        tls: For HTTPS.
    """

    def __init__(self, handle: Callable[[Incoming], Awaitable[Answer]], *, tls: ssl.SSLContext | None = None) -> None:
        self._handle, self._tls = handle, tls
        self._stopped = asyncio.Event()
        self.open: set[HttpConnection] = set()
        self.is_stopping = False
        self.body_bytes = 0
        self.date = b""
        self._set_date()

    async def serve(self, listener: socket.socket) -> None:
        """Answer until `stop`, then drain.

        Args:
            listener: Bound and listening.
        """
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: HttpConnection(self._handle, self),
            sock=listener,
            backlog=_BACKLOG,
            ssl=self._tls,
            ssl_handshake_timeout=HEAD_SECONDS if self._tls is not None else None,
        )
        looking = loop.create_task(self._look_after())
        await self._stopped.wait()
        server.close()
        await self._drain()
        looking.cancel()

    def stop(self) -> None:
        """Accept nothing more, and let `serve` return when all is answered."""
        self.is_stopping = True
        self._stopped.set()

    def is_full(self) -> bool:
        """Whether one more connection would be too many."""
        return len(self.open) >= MOST_CONNECTIONS

    async def _drain(self) -> None:
        for connection in list(self.open):
            connection.stop()
        until = asyncio.get_running_loop().time() + _DRAIN_SECONDS
        while self.open and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.01)
        for connection in list(self.open):
            connection.abort()

    async def _look_after(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            self._set_date()
            for connection in list(self.open):
                connection.look_after(loop.time())

    def _set_date(self) -> None:
        self.date = b"date: %s\r\n" % formatdate(usegmt=True).encode()
