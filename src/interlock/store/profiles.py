"""Mergeable profiles by endpoint, version and hour of the event, as bytes that `stats.profile` understands."""

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import and_, func, select

from interlock.store.repository import Repository
from interlock.store.tables import profiles

# Values in one IN (...): well under the limits of both databases.
_CHUNK = 500


class ProfileRepository(Repository):
    """Profiles. Added by the collector in the transaction of its cursor, read by monitoring."""

    def merge(
        self, endpoint: str, version: str, hour: datetime, delta: bytes, merge: Callable[[bytes | None, bytes], bytes]
    ) -> None:
        """Put `merge(what is there or None, delta)` in its place."""
        key = {"endpoint": endpoint, "version": version, "hour": hour}
        query = select(profiles.c.profile).where(and_(*(profiles.c[name] == value for name, value in key.items())))
        self._put(profiles, key, {"profile": merge(self._connection.scalar(query), delta)})

    def merge_all(self, endpoint: str, merges: Mapping[tuple[str, datetime], Callable[[bytes | None], bytes]]) -> None:
        """Put what each function makes of what is there, or of None, in its place, by version and hour."""
        hours = sorted({hour for _, hour in merges})
        there: dict[tuple[str, datetime], bytes] = {}
        for start in range(0, len(hours), _CHUNK):
            query = select(profiles.c.version, profiles.c.hour, profiles.c.profile).where(
                and_(profiles.c.endpoint == endpoint, profiles.c.hour.in_(hours[start : start + _CHUNK]))
            )
            there.update({(version, hour): found for version, hour, found in self._connection.execute(query)})
        rows = [
            {"endpoint": endpoint, "version": version, "hour": hour, "profile": merge(there.get((version, hour)))}
            for (version, hour), merge in merges.items()
        ]
        self._put_all(profiles, ("endpoint", "version", "hour"), rows)

    def between(
        self, endpoint: str, start: datetime, end: datetime, version: str | None = None
    ) -> list[tuple[str, datetime, bytes]]:
        """Version, hour and profile of every hour from `start` up to but not with `end`, by hour."""
        query = select(profiles.c.version, profiles.c.hour, profiles.c.profile).where(
            and_(profiles.c.endpoint == endpoint, profiles.c.hour >= start, profiles.c.hour < end)
        )
        if version is not None:
            query = query.where(profiles.c.version == version)
        rows = self._connection.execute(query.order_by(profiles.c.hour, profiles.c.version))
        return [(found, hour, profile) for found, hour, profile in rows]

    def latest_hour(self, endpoint: str) -> datetime | None:
        """The newest hour of which anything is known."""
        query = select(func.max(profiles.c.hour)).where(profiles.c.endpoint == endpoint)
        latest: datetime | None = self._connection.scalar(query)
        return latest
