"""A webhook: one POST of JSON, answered by any 2xx. Called by `sending` for http:// and https://.

`text` is a sentence, which is what Slack, Mattermost and their like show of a body that is otherwise not theirs. It
follows no redirect: who moved the receiver says so in the channel's URL.
"""

import base64
import contextlib
import threading
import urllib.request
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPResponse, HTTPSConnection
from socket import SHUT_RDWR
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit, urlunsplit

import msgspec

from interlock.domain.alert import Delivery
from interlock.domain.errors import NotDeliveredError

_TIMEOUT_SECONDS = 10.0


class _Sockets:
    """The connection of one request, which can be ended from another thread."""

    def __init__(self) -> None:
        self._connection: HTTPConnection | None = None
        self.are_ended = False

    def keep(self, kind: type[HTTPConnection], host: str, **options: Any) -> HTTPConnection:
        self._connection = kind(host, **options)
        return self._connection

    def end(self) -> None:
        """Wake whoever reads or writes."""
        self.are_ended = True
        socket = None if self._connection is None else self._connection.sock
        if socket is not None:
            with contextlib.suppress(OSError):
                socket.shutdown(SHUT_RDWR)


class _Http(urllib.request.HTTPHandler):
    def __init__(self, sockets: _Sockets) -> None:
        super().__init__()
        self._sockets = sockets

    def http_open(self, req: urllib.request.Request) -> HTTPResponse:
        return self.do_open(partial(self._sockets.keep, HTTPConnection), req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, sockets: _Sockets) -> None:
        super().__init__()
        self._sockets = sockets

    def https_open(self, req: urllib.request.Request) -> HTTPResponse:
        return self.do_open(partial(self._sockets.keep, HTTPSConnection), req)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Let it be the error that it is."""


def send(url: str, delivery: Delivery, *, seconds: float) -> None:
    """POST a notice.

    Args:
        url: Where.
        delivery: The notice on its way.
        seconds: When the connection is ended, even if bytes still come.

    Raises:
        NotDeliveredError: The other side did not take it, and why.
    """
    request, sockets = _request(url, delivery), _Sockets()
    # Proxies are those of the environment, as everywhere.
    opener = urllib.request.build_opener(_NoRedirects, _Http(sockets), _Https(sockets))
    timer = threading.Timer(seconds, sockets.end)
    timer.start()
    try:
        with opener.open(request, timeout=min(seconds, _TIMEOUT_SECONDS)):
            if sockets.are_ended:  # what came of an answer looks like a short one
                raise TimeoutError(f"no whole answer within {seconds:g} s")
    except HTTPError as error:
        with error:
            raise NotDeliveredError(f"it answered {error.code} {error.reason}") from error
    except URLError as error:
        raise NotDeliveredError(str(error.reason)) from error
    except (OSError, HTTPException, ValueError) as error:
        raise NotDeliveredError(f"{type(error).__name__}: {error}") from error
    finally:
        timer.cancel()


def _request(url: str, delivery: Delivery) -> urllib.request.Request:
    parts = urlsplit(url)
    user, separator, host = parts.netloc.rpartition("@")
    headers = {"Content-Type": "application/json", "User-Agent": "interlock"}
    if separator:
        headers["Authorization"] = f"Basic {base64.b64encode(unquote(user).encode()).decode()}"
    target = urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
    return urllib.request.Request(target, msgspec.json.encode(_body(delivery)), headers, method="POST")  # noqa: S310 (an administrator's URL; its scheme was checked)


def _body(delivery: Delivery) -> dict[str, object]:
    notice = delivery.notice
    return {
        "delivery": delivery.id,
        "kind": notice.kind,
        "alert": notice.alert,
        "endpoint": notice.endpoint,
        "severity": notice.severity,
        "title": notice.title,
        "text": f"{notice.title}\n{notice.text}",
        "at": notice.at,
    }
