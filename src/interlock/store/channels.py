"""Channels by name. Their URLs hold secrets: what lists them to people masks them."""

import builtins

from sqlalchemy import delete, insert, select

from interlock.domain.alert import Channel
from interlock.domain.errors import ConflictError, NotFoundError
from interlock.store.repository import Repository
from interlock.store.tables import channels


class ChannelRepository(Repository):
    """Who is told."""

    def add(self, channel: Channel) -> None:
        """Raises ConflictError if there is one of that name."""
        if channel.name in self._names():
            raise ConflictError(f"channel {channel.name!r} exists already; choose another name, or remove it first")
        self._connection.execute(insert(channels).values(name=channel.name, body=channel))

    def update(self, channel: Channel) -> None:
        """Put new settings in the place of the old. Raises NotFoundError if it is not there."""
        self.get(channel.name)
        self._put(channels, {"name": channel.name}, {"body": channel})

    def get(self, name: str) -> Channel:
        """Raises NotFoundError, which names those there are."""
        found: Channel | None = self._connection.scalar(select(channels.c.body).where(channels.c.name == name))
        if found is None:
            raise NotFoundError("channel", name, self._names())
        return found

    def list(self) -> builtins.list[Channel]:
        """All, by name."""
        return list(self._connection.scalars(select(channels.c.body).order_by(channels.c.name)))

    def delete(self, name: str) -> None:
        """Raises NotFoundError if it is not there."""
        self.get(name)
        self._connection.execute(delete(channels).where(channels.c.name == name))

    def _names(self) -> builtins.list[str]:
        return list(self._connection.scalars(select(channels.c.name).order_by(channels.c.name)))
