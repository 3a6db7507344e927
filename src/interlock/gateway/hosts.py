"""Whether a request was meant for this server: its Host, and where its page came from.

A web page can make a browser send requests to loopback, under a name that its owner points there (DNS rebinding). Such
requests carry that name as Host, and the page's origin. As Host addresses pass, which cannot be pointed anywhere.
As origin they do not: anybody's page can be at an address. A page may call what it came from, or have an allowed name.
"""

import ipaddress
from collections.abc import Iterable

from interlock.gateway.errors import RefusedError

_REMEMBERED = 256


class HostCheck:
    """Checks Host and Origin.

    Args:
        allowed: Host names besides `localhost` and plain addresses; `*` allows all.
    """

    def __init__(self, allowed: Iterable[str]) -> None:
        self._allowed = {"localhost", *(name.lower() for name in allowed)}
        self._good: set[bytes] = set()

    def check(self, host: bytes | None, origin: bytes | None) -> None:
        """Raises RefusedError unless both are this server's."""
        if host is None or host not in self._good:
            self._check_host(host)
        if origin is not None and not self._is_own(_host_of(origin.rpartition(b"//")[2]), host):
            raise RefusedError(403, "origin", f"Origin {origin.decode('latin-1')[:100]!r} may not send requests here")

    def _check_host(self, host: bytes | None) -> None:
        if host is None:
            raise RefusedError(400, "host", "the request has no Host header")
        if not self._is_allowed(_host_of(host)):
            named = host.decode("latin-1")[:100]
            raise RefusedError(421, "host", f"Host {named!r} is not served here; allow it with --allowed-host")
        if len(self._good) < _REMEMBERED:
            self._good.add(host)

    def _is_own(self, origin: str, host: bytes | None) -> bool:
        return origin in self._allowed or "*" in self._allowed or (host is not None and origin == _host_of(host))

    def _is_allowed(self, name: str) -> bool:
        return name in self._allowed or "*" in self._allowed or _is_address(name)


def _host_of(value: bytes) -> str:
    """The host of `host:port`, lower case, without brackets."""
    text = value.decode("latin-1").strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0].removesuffix(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
