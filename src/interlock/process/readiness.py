"""Whether both ports answer yet. Asked from a thread, so that the supervisor's own loop never waits for a part."""

import http.client
import ssl
import threading
import time
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

_PAUSE_SECONDS = 0.05
_ALIVE_IS_ENOUGH_SECONDS = 30.0
"""A gateway whose models do not load answers, but is not ready; it must not hide the control port for ever."""


def watch(gateway: str, control: str, done: Callable[[], None]) -> threading.Event:
    """Set the returned event, then call `done`, when both answer."""
    ready = threading.Event()

    def ask() -> None:
        start = time.monotonic()
        while not _answers(control, "/api/v1/health"):
            time.sleep(_PAUSE_SECONDS)
        while not _answers(gateway, "/v2/health/ready"):
            if time.monotonic() - start > _ALIVE_IS_ENOUGH_SECONDS and _answers(gateway, "/v2/health/live"):
                break
            time.sleep(_PAUSE_SECONDS)
        ready.set()
        done()

    threading.Thread(target=ask, name="readiness", daemon=True).start()
    return ready


def _connection(address: SplitResult) -> http.client.HTTPConnection:
    host, port = address.hostname or "", address.port
    if address.scheme != "https":
        return http.client.HTTPConnection(host, port, timeout=2)
    # It asks its own children by their address, which their certificate need not name.
    return http.client.HTTPSConnection(host, port, timeout=2, context=ssl._create_unverified_context())  # noqa: S323


def _answers(url: str, path: str) -> bool:
    address = urlsplit(url)
    connection = _connection(address)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
