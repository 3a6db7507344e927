"""Who asks: bearer keys, looked up by SHA-256 in memory. Keys themselves are never kept.

The ring is replaced as a whole by the plan watcher; a key that is not on it is looked for once more after the store was
read again, so that a key works the moment after it was made.
"""

import hashlib
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime

import msgspec

from interlock.domain.access import Key
from interlock.domain.errors import ForbiddenError, UnauthenticatedError

# Each unknown key costs at most a wait, never a query of its own; more than this many at once do not even wait.
_MOST_WAITING = 32

_EVERYONE = Key(name="no-auth", role="admin", digest="", created_at=datetime(1970, 1, 1, tzinfo=UTC))
_NOBODY = msgspec.structs.replace(_EVERYONE, name="nobody", revoked_at=_EVERYONE.created_at)
_HOW = "send it as `Authorization: Bearer KEY`"


class KeyRing:
    """The live keys.

    Args:
        no_auth: Everyone is an administrator.
        refreshed: Waits until the store has been read once more (not for ever).
    """

    def __init__(self, *, no_auth: bool, refreshed: Callable[[], Awaitable[None]]) -> None:
        self._no_auth, self._refreshed = no_auth, refreshed
        self._by_digest: dict[str, Key] = {}
        self._waiting = 0

    @property
    def everyone(self) -> Key:
        """Who asks where no key is needed."""
        return _EVERYONE if self._no_auth else _NOBODY

    def replace(self, keys: Iterable[Key]) -> None:
        """Take these keys, without the revoked ones, for all there are."""
        self._by_digest = {key.digest: key for key in keys if key.revoked_at is None}

    async def identify(self, authorization: bytes | None) -> Key:
        """Find out who asks.

        Raises:
            UnauthenticatedError: No key, or not one that is known.
        """
        if self._no_auth:
            return _EVERYONE
        if authorization is None:
            raise UnauthenticatedError(f"no key: {_HOW}")
        scheme, _, secret = authorization.partition(b" ")
        secret = secret.strip()
        if scheme.lower() != b"bearer" or not secret:
            raise UnauthenticatedError(f"the Authorization header holds no bearer key: {_HOW}")
        digest = hashlib.sha256(secret).hexdigest()
        key = self._by_digest.get(digest) or await self._look_again(digest)
        if key is None:
            raise UnauthenticatedError("this key is not known here, or was revoked")
        return key

    async def _look_again(self, digest: str) -> Key | None:
        if self._waiting >= _MOST_WAITING:
            return None
        self._waiting += 1
        try:
            await self._refreshed()
        finally:
            self._waiting -= 1
        return self._by_digest.get(digest)


def require(key: Key, actions: tuple[str, ...], endpoint: str | None) -> None:
    """Check that a key may do one of `actions` on an endpoint.

    Raises:
        ForbiddenError: It may not.
    """
    for action in actions:
        if key.may(action, endpoint):
            return
    if endpoint is not None and key.endpoints and endpoint not in key.endpoints:
        raise ForbiddenError(f"key {key.name!r} is limited to the endpoints {', '.join(key.endpoints)}")
    raise ForbiddenError(f"key {key.name!r} has the role {key.role}, which may not {' or '.join(actions)}")
