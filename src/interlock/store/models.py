"""Model versions: added once, never changed."""

from sqlalchemy import and_, func, insert, select

from interlock.domain.errors import ConflictError, NotFoundError
from interlock.domain.model import ModelVersion
from interlock.domain.names import split_ref, version_ref
from interlock.store.repository import Repository
from interlock.store.tables import models


class ModelRepository(Repository):
    """Registered versions by `name:version`."""

    def add(self, version: ModelVersion) -> None:
        """Raises ConflictError if that version is there."""
        if version.version in self._versions(version.name):
            raise ConflictError(f"model version {version.ref} exists already; versions never change")
        self._connection.execute(insert(models).values(name=version.name, version=version.version, body=version))

    def get(self, ref: str) -> ModelVersion:
        """Raises NotFoundError, which names the versions there are, or InvalidInputError for what is no reference."""
        name, number = split_ref(ref)
        query = select(models.c.body).where(and_(models.c.name == name, models.c.version == number))
        found: ModelVersion | None = self._connection.scalar(query)
        if found is None:
            raise NotFoundError("model version", ref, [version_ref(name, there) for there in self._versions(name)])
        return found

    def list(self, name: str | None = None) -> list[ModelVersion]:
        """All versions, or those of one model, by name and number."""
        query = select(models.c.body).order_by(models.c.name, models.c.version)
        return list(self._connection.scalars(query if name is None else query.where(models.c.name == name)))

    def next_version(self, name: str) -> int:
        """The number the next version of `name` gets."""
        newest = self._connection.scalar(select(func.max(models.c.version)).where(models.c.name == name))
        return (newest or 0) + 1

    def _versions(self, name: str) -> tuple[int, ...]:
        query = select(models.c.version).where(models.c.name == name).order_by(models.c.version)
        return tuple(self._connection.scalars(query))
