"""Access keys: made once, shown once, stored as their SHA-256.

Called by the API, by the first start, and by `interlock key` on the home folder itself. The form of a key (a prefix to
find it in leaked text, a checksum to tell a mistyped key from a wrong one) follows what GitHub and Stripe do.
"""

import hashlib
import secrets
import string
import zlib
from collections.abc import Callable
from datetime import datetime

from interlock.domain.access import ROLES, Key, Role
from interlock.domain.errors import ForbiddenError, InvalidInputError, UnauthenticatedError
from interlock.domain.names import check_name
from interlock.store.database import Store
from interlock.store.transaction import Transaction

PREFIX = "ilk_"
_ALPHABET = string.digits + string.ascii_letters
_BODY_LENGTH = 43  # base62 digits of 32 bytes
_CHECKSUM_LENGTH = 6
_PERMISSIONS = ("backdate", "pinned")


def new_secret() -> str:
    """A fresh key: prefix, 32 random bytes, checksum of both.

    Examples:
        >>> key = new_secret()
        >>> len(key), key[:4], is_well_formed(key), is_well_formed(key[:-1] + "!")
        (53, 'ilk_', True, False)
    """
    start = PREFIX + _base62(secrets.randbits(256), _BODY_LENGTH)
    return start + _checksum(start)


def is_well_formed(secret: str) -> bool:
    """Whether the checksum fits: False for a mistyped or cut-off key."""
    start, checksum = secret[:-_CHECKSUM_LENGTH], secret[-_CHECKSUM_LENGTH:]
    return start.startswith(PREFIX) and _checksum(start) == checksum


def digest(secret: str) -> str:
    """What is stored and looked up."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _checksum(start: str) -> str:
    return _base62(zlib.crc32(start.encode()), _CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


class KeyRing:
    """Makes, finds, lists and revokes keys.

    Args:
        store: Where they are.
        clock: Aware UTC now.
    """

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store, self._clock = store, clock

    def create(
        self,
        name: str,
        role: str,
        *,
        actor: Key,
        owner: str = "",
        endpoints: tuple[str, ...] = (),
        allow: tuple[str, ...] = (),
    ) -> tuple[Key, str]:
        """Make a key.

        Returns:
            What is stored, and the key itself, which is not.

        Raises:
            InvalidInputError: A name, role or permission is not legal.
            ConflictError: A live key has the name.
        """
        faults = [f"permission == {given!r}, must be one of {', '.join(_PERMISSIONS)}" for given in allow
                  if given not in _PERMISSIONS]  # fmt: skip
        if faults:
            raise InvalidInputError(*faults)
        secret = new_secret()
        key = Key(
            name=check_name("key", name),
            role=_role(role),
            digest=digest(secret),
            created_at=self._clock(),
            owner=owner or name,
            endpoints=tuple(check_name("endpoint", endpoint) for endpoint in endpoints),
            allow=allow,
        )
        with self._store.transaction() as tx:
            _add(tx, key, actor)
        return key, secret

    def renew(self, name: str, role: str, *, actor: Key, owner: str) -> str:
        """Make a key for a part of the server that keeps it in memory alone; the one that it had before is revoked.

        Args:
            owner: Of both keys: what somebody else calls by this name stays.

        Returns:
            The key itself.

        Raises:
            ConflictError: A live key of another owner or role has the name.
        """
        secret, at = new_secret(), self._clock()
        key = Key(name=check_name("key", name), role=_role(role), digest=digest(secret), created_at=at, owner=owner)
        with self._store.transaction() as tx:
            of_name = [each for each in tx.keys.list() if each.name == name and each.revoked_at is None]
            if any((each.owner, each.role) == (owner, role) for each in of_name):
                tx.keys.revoke(name, at)
                tx.audit.append(at, actor.name, actor.role, "key.revoke", name, {"reason": "made anew"})
            _add(tx, key, actor)
        return secret

    def create_first(self) -> str | None:
        """Make the administrator's key if there has never been any key."""
        if self.list():
            return None
        return self.create("admin", "admin", actor=local_actor(self._clock()))[1]

    def list(self) -> list[Key]:
        """All keys, also revoked ones, oldest first."""
        with self._store.read() as tx:
            return tx.keys.list()

    def revoke(self, name: str, *, actor: Key) -> None:
        """Make a key worthless.

        Raises:
            NotFoundError: No live key has the name.
            ForbiddenError: It is the last administrator's; nobody could make another over the network.
        """
        at = self._clock()
        with self._store.transaction() as tx:
            live = [key for key in tx.keys.list() if key.revoked_at is None]
            admins = [key.name for key in live if key.role == "admin" and not key.endpoints]
            if admins == [name]:
                raise ForbiddenError(f"key {name!r} is the last one of role admin; create another before revoking it")
            tx.keys.revoke(name, at)
            tx.audit.append(at, actor.name, actor.role, "key.revoke", name, {})

    def authenticate(self, secret: str) -> Key:
        """Whose key it is.

        Raises:
            UnauthenticatedError: It is not a key, not known, or revoked.
        """
        if not is_well_formed(secret):
            raise UnauthenticatedError("the key is not a whole Interlock key (mistyped or cut off?)")
        return self.find(digest(secret))

    def find(self, digest: str) -> Key:
        """The key with this SHA-256.

        Raises:
            UnauthenticatedError: It is not known, or revoked.
        """
        with self._store.read() as tx:
            key = tx.keys.by_digest(digest)
        if key is None:
            raise UnauthenticatedError("the key is not known here")
        if key.revoked_at is not None:
            raise UnauthenticatedError(f"key {key.name!r} was revoked")
        return key


def local_actor(now: datetime) -> Key:
    """Whoever owns the home folder owns the server: the actor of commands that work on the folder itself."""
    return Key(name="local", role="admin", digest="", created_at=now, owner="local")


def _add(tx: Transaction, key: Key, actor: Key) -> None:
    details = {"role": key.role, "endpoints": list(key.endpoints), "allow": list(key.allow), "owner": key.owner}
    tx.keys.add(key)
    tx.audit.append(key.created_at, actor.name, actor.role, "key.create", key.name, details)


def _role(given: str) -> Role:
    for role in ROLES:
        if role == given:
            return role
    raise InvalidInputError(f"role == {given!r}, must be one of {', '.join(ROLES)}")
