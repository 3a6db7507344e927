"""Replays: a candidate scores the past."""

from datetime import datetime
from typing import Any
from urllib.parse import quote

from interlock.client.control.requests import ControlRequests, iso


class Replays(ControlRequests):
    """Methods of the client, one a route."""

    def start_replay(
        self,
        endpoint: str,
        candidate: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        fresh: bool = True,
    ) -> dict[str, Any]:
        """Let a candidate score the past; returns at once.

        Args:
            endpoint: Whose log.
            candidate: `name:version`.
            since, until: Range of `event_at`, with a time zone; the end is excluded.
            limit: At most so many rows, chosen evenly over the range.
            fresh: First wait until the log holds everything acknowledged before.
        """
        wanted = {"candidate": candidate, "since": iso(since), "until": iso(until), "limit": limit, "fresh": fresh}
        return self._post(f"/endpoints/{quote(endpoint, safe='')}/replays", wanted)

    def replays(self, endpoint: str) -> list[dict[str, Any]]:
        """Replays of an endpoint with their reports, newest first."""
        return list(self._get(f"/endpoints/{quote(endpoint, safe='')}/replays")["replays"])

    def replay(self, endpoint: str, id: str) -> dict[str, Any]:
        """One replay: how far it is, or its report."""
        return self._get(f"/endpoints/{quote(endpoint, safe='')}/replays/{quote(id, safe='')}")

    def cancel_replay(self, endpoint: str, id: str) -> dict[str, Any]:
        """Ask a replay to stop."""
        return self._post(f"/endpoints/{quote(endpoint, safe='')}/replays/{quote(id, safe='')}/cancel", {})
