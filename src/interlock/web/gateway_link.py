"""The pages' own way to the gateway, for the form that tries an endpoint.

Called by `trying`. Sessions keep no keys, so it asks with one of its own: of role scorer, made when it is first needed,
and kept in a file of the home folder that its owner alone can read, so that a restart needs no other. Who may try what
is decided before, by the visitor's key. A version is always asked by its name, so the gateway notes the row as
`pinned`, which is never evidence of a release.
"""

import logging
import os
from collections.abc import Callable
from datetime import datetime
from threading import Lock
from typing import Any
from urllib.parse import quote

from interlock.api.key_ring import KeyRing, local_actor
from interlock.client.connection import Answer
from interlock.client.transport import Transport
from interlock.client.trust import by_certificate
from interlock.domain.errors import InterlockError, UnauthenticatedError
from interlock.settings import Settings

_log = logging.getLogger(__name__)

KEY_NAME = "interlock-pages"
_OWNER = "interlock"
# No endpoint's deadline is longer in practice, and nobody watches a form for longer.
_SECONDS = 60.0
# Where a port that listens everywhere is reached from its own machine.
_NEAR = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104 (compared with, not bound to)


class GatewayLink:
    """Asks the gateway of this server.

    Args:
        settings: Where it listens.
        key_ring: Makes the key.
        clock: Aware UTC now.
        key_name: What it is called; each server of those that share a store has its own.
    """

    def __init__(
        self, settings: Settings, key_ring: KeyRing, clock: Callable[[], datetime], *, key_name: str = KEY_NAME
    ) -> None:
        self._settings, self._key_ring, self._clock, self._key_name = settings, key_ring, clock, key_name
        self._file = settings.run / "pages.key"
        self._lock, self._key = Lock(), ""

    def infer(self, endpoint: str, version: str, body: dict[str, Any]) -> Answer:
        """Ask a version of the current plan, in the Open Inference Protocol.

        Args:
            version: `name:version`.
            body: The request.

        Raises:
            InterlockError: As the gateway says; or ServerUnreachableError.
        """
        path = f"/v2/models/{quote(endpoint, safe='')}/versions/{quote(version, safe=':')}/infer"
        key = self._current("")
        try:
            return self._send(key, path, body)
        except UnauthenticatedError:  # revoked by somebody, or the store is another one than before
            return self._send(self._current(key), path, body)

    def _current(self, refused: str) -> str:
        """The key; another one than that which was refused."""
        if self._settings.no_auth:
            return ""
        with self._lock:
            if self._key == refused:
                self._key = self._kept(refused) or self._made()
            return self._key

    def _kept(self, refused: str) -> str:
        """The key of before, if it is still good; else empty."""
        try:
            kept = self._file.read_text().strip()
            key = self._key_ring.authenticate(kept)
        except (OSError, ValueError, InterlockError):
            return ""
        return kept if kept != refused and (key.name, key.owner) == (self._key_name, _OWNER) else ""

    def _made(self) -> str:
        made = self._key_ring.renew(self._key_name, "scorer", actor=local_actor(self._clock()), owner=_OWNER)
        try:
            with open(self._file, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
                file.write(made)
        except OSError:  # then it lives as long as this process
            _log.warning("the pages' key cannot be kept in %s", self._file, exc_info=True)
        return made

    def _send(self, key: str, path: str, body: dict[str, Any]) -> Answer:
        tls = self._settings.tls_files
        trust = by_certificate(tls[0]) if tls else None
        transport = Transport(address(self._settings), key or None, _SECONDS, trust)
        try:
            return transport.call("POST", path, body)
        finally:
            transport.close()


def address(settings: Settings) -> str:
    """The gateway as its own machine reaches it.

    Examples:
        >>> address(Settings(host="::", port=8080))
        'http://[::1]:8080'
    """
    host = _NEAR.get(settings.host, settings.host)
    scheme = "https" if settings.tls_files else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.port}"
