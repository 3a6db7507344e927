"""What monitoring has seen."""

from datetime import date, datetime
from typing import Any
from urllib.parse import quote

from interlock.client.control.requests import ControlRequests, iso


class Monitoring(ControlRequests):
    """Methods of the client, one a route."""

    def monitor(
        self, endpoint: str, *, window: str = "24h", since: datetime | None = None, until: datetime | None = None
    ) -> dict[str, Any]:
        """Checks over a window of event time."""
        path = f"/endpoints/{quote(endpoint, safe='')}/monitor"
        return self._get(path, window=window, since=iso(since), until=iso(until))

    def compare(self, endpoint: str, **sides: str | datetime | None) -> dict[str, Any]:
        """Set two windows or versions beside each other; by default the last week and the week before.

        Args:
            endpoint: Whose.
            sides: `version`, `since`, `until`; of the other side `against_version`, `against_since`,
                `against_until`.
        """
        given = {name: iso(value) if isinstance(value, datetime) else value for name, value in sides.items()}
        return self._get(f"/endpoints/{quote(endpoint, safe='')}/comparison", **given)

    def daily_report(self, endpoint: str, day: date | None = None) -> dict[str, Any]:
        """What a day (UTC) of an endpoint was like; by default the day of its newest event."""
        path = f"/endpoints/{quote(endpoint, safe='')}/report"
        return self._get(path, date=None if day is None else day.isoformat())

    def rejections(
        self, endpoint: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> dict[str, Any]:
        """Requests that the contract refused: counts by hour, field and rule, and a few bodies."""
        path = f"/endpoints/{quote(endpoint, safe='')}/rejections"
        return dict(self._get(path, since=iso(since), until=iso(until)))

    def quality_by_month(self, endpoint: str) -> list[dict[str, Any]]:
        """Quality from labels, by month and version."""
        return list(self._get(f"/endpoints/{quote(endpoint, safe='')}/quality")["quality"])

    def drift_by_month(self, endpoint: str) -> list[dict[str, Any]]:
        """Drift of each column by month."""
        return list(self._get(f"/endpoints/{quote(endpoint, safe='')}/drift")["drift"])

    def verdicts(
        self,
        endpoint: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        latest: bool = False,
    ) -> list[dict[str, Any]]:
        """Stored verdicts of closed windows, with those that late labels have revised; `latest`: without."""
        path = f"/endpoints/{quote(endpoint, safe='')}/verdicts"
        query = {"since": iso(since), "until": iso(until), "latest": str(latest).lower()}
        return list(self._get(path, **query)["verdicts"])
