"""What is refused before a route is looked up: foreign host names, foreign pages, bodies that are too large.

A Host header that names nobody here is how a web page reaches a service on loopback (DNS rebinding); with `--no-auth`
there is no key that would stop it.
"""

import asyncio
import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from interlock.api.problems import problem

MAX_BODY_BYTES = 1024 * 1024
UPLOAD_BYTES = 1024**3
# As many images as a gateway takes in one request; one in base64 is a third larger there.
FORM_BYTES = 12 * 1024**2
_DISCARD_BYTES = 256 * 1024**2
_DISCARD_SECONDS = 5.0
# Bodies that are streamed to a file: uploads, and the keys of a file of labels.
_LARGE = re.compile(r"/api/v1/(uploads|endpoints/[^/]+/labels/match)")
# The form that tries an endpoint may hold images.
_FORM = re.compile(r"/endpoints/[^/]+/try")


class Edge:
    """ASGI middleware.

    Args:
        app: What it protects.
        hosts: Names that requests may carry, besides `localhost` and plain addresses, which nobody can point
            elsewhere; `*` allows all. A page may call what it came from, or be of one of these names: that anybody's
            page can have an address for its origin is why addresses do not count there.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        self._app = app
        self._hosts = frozenset(("localhost", *(name.lower() for name in hosts)))
        self._all = "*" in self._hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        limit = _limit(scope["path"])
        refusal = self._refuse(headers) or _too_large(headers, limit)
        if refusal is not None:
            status, reason = refusal
            await _discard(headers, receive)
            return await problem(status, reason, headers={"Connection": "close"})(scope, receive, send)
        return await self._app(scope, _limited(receive, limit), send)

    def _refuse(self, headers: Headers) -> tuple[int, str] | None:
        if not self._is_ours(name := _hostname(headers.get("host", ""))):
            return 421, f"host == {name!r} is not served here; allow it with `--allowed-host`"
        origin = headers.get("origin")
        if origin is not None and _hostname(origin.rpartition("//")[2]) not in (name, *self._hosts) and not self._all:
            return 403, "a page of another site may not call this"
        return None

    def _is_ours(self, name: str) -> bool:
        return name in self._hosts or self._all or _is_address(name)


def _limit(path: str) -> int:
    if _LARGE.fullmatch(path):
        return UPLOAD_BYTES
    return FORM_BYTES if _FORM.fullmatch(path) else MAX_BODY_BYTES


def _limited(receive: Receive, limit: int) -> Receive:
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            # Through the app, which has not answered yet: it is still reading.
            raise HTTPException(413, _over(limit), headers={"Connection": "close"})
        return message

    return counted


async def _discard(headers: Headers, receive: Receive) -> None:
    """Read what the caller sends anyway: closing on unread data resets the connection, and the answer is lost."""
    if "expect" in headers:  # it asked first, and sends nothing
        return
    seen, more = 0, True
    try:
        async with asyncio.timeout(_DISCARD_SECONDS):
            while more and seen < _DISCARD_BYTES:
                message = await receive()
                seen += len(message.get("body", b""))
                more = message.get("more_body", False)
    except TimeoutError:
        return


def _too_large(headers: Headers, limit: int) -> tuple[int, str] | None:
    length = headers.get("content-length", "0")
    if not length.isdecimal():
        return 400, "Content-Length must be a number"
    return (413, _over(limit)) if int(length) > limit else None


def _over(limit: int) -> str:
    return f"the body is larger than {limit // 1024**2} MiB"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _hostname(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""
