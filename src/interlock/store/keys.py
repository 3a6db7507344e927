"""Access keys, by the digest of the secret. A revoked key stays, so that the audit log can be read."""

from datetime import datetime

import msgspec
from sqlalchemy import and_, insert, select, update

from interlock.domain.access import Key
from interlock.domain.errors import ConflictError, NotFoundError
from interlock.store.repository import Repository
from interlock.store.tables import keys


class KeyRepository(Repository):
    """Keys; the name of a live one is unique."""

    def add(self, key: Key) -> None:
        """Raises ConflictError if a live key has the name."""
        if self._live(key.name) is not None:
            raise ConflictError(f"key {key.name!r} exists already; choose another name, or revoke it first")
        values = {"digest": key.digest, "name": key.name, "created_at": key.created_at}
        self._connection.execute(insert(keys).values(**values, is_live=key.revoked_at is None, body=key))

    def by_digest(self, digest: str) -> Key | None:
        """The key, also a revoked one (`Key.may` then refuses everything), or None."""
        found: Key | None = self._connection.scalar(select(keys.c.body).where(keys.c.digest == digest))
        return found

    def list(self) -> list[Key]:
        """All, revoked ones too, oldest first."""
        return list(self._connection.scalars(select(keys.c.body).order_by(keys.c.created_at, keys.c.digest)))

    def revoke(self, name: str, at: datetime) -> None:
        """Raises NotFoundError if no live key has the name."""
        key = self._live(name)
        if key is None:
            raise NotFoundError("live key", name, [key.name for key in self.list() if key.revoked_at is None])
        revoked = msgspec.structs.replace(key, revoked_at=at)
        this = keys.c.digest == key.digest
        self._connection.execute(update(keys).where(this).values(is_live=False, body=revoked))

    def _live(self, name: str) -> Key | None:
        found: Key | None = self._connection.scalar(
            select(keys.c.body).where(and_(keys.c.name == name, keys.c.is_live))
        )
        return found
