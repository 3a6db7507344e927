"""Incidents, rules, silences, and the channels that people are told through."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from interlock.client.control.requests import ControlRequests


class Alerts(ControlRequests):
    """Methods of the client, one a route."""

    def alerts(
        self, endpoint: str | None = None, *, state: str | None = None, limit: int = 100
    ) -> list[dict[str, Any]]:
        """The newest incidents, newest first. `state`: open, firing, acknowledged, resolved."""
        return list(self._get("/alerts", endpoint=endpoint, state=state, limit=str(limit))["alerts"])

    def alert(self, id: int) -> dict[str, Any]:
        """An incident with its symptoms, its history, and what became of its notices."""
        return self._get(f"/alerts/{id}")

    def acknowledge(self, id: int, reason: str = "") -> dict[str, Any]:
        """Take an incident on."""
        return self._post(f"/alerts/{id}/ack", {"reason": reason})

    def silence(self, endpoint: str = "", *, until: datetime, reason: str = "") -> dict[str, Any]:
        """Tell nobody of an endpoint's incidents, or of all, until a time."""
        return self._post("/silences", {"endpoint": endpoint, "until": until.isoformat(), "reason": reason})

    def silences(self) -> list[dict[str, Any]]:
        """All silences, newest first, also those that have ended."""
        return list(self._get("/silences")["silences"])

    def add_maintenance_window(self, window: Mapping[str, Any]) -> dict[str, Any]:
        """Tell nobody at a time that comes back every week.

        Args:
            window: `name`, `begins`, `ends` (02:00), and where wanted `weekdays`, `time_zone`, `endpoint`, `reason`.
        """
        return self._post("/maintenance-windows", dict(window))

    def maintenance_windows(self) -> list[dict[str, Any]]:
        """All maintenance windows, by name."""
        return list(self._get("/maintenance-windows")["maintenance_windows"])

    def remove_maintenance_window(self, name: str) -> None:
        """Take a maintenance window away."""
        self._control.call("DELETE", f"/api/v1/maintenance-windows/{quote(name, safe='')}")

    def apply_alert_rules(self, document: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Put these rules, `{"rules": [...]}`, in the place of all that were written before."""
        return list(self._control.json("PUT", "/api/v1/alert-rules", dict(document))["rules"])

    def alert_rules(self) -> list[dict[str, Any]]:
        """Rules that people wrote, by name."""
        return list(self._get("/alert-rules")["rules"])

    def add_channel(
        self,
        name: str,
        url: str,
        *,
        least_severity: str = "info",
        endpoints: Sequence[str] = (),
        daily_report: int | None = None,
    ) -> dict[str, Any]:
        """Add who is told of incidents. Administrators only; the URL is never shown whole again.

        Args:
            name, url: What it is called, and where it is.
            least_severity, endpoints: What it wants to be told of.
            daily_report: Hour (UTC) at which it gets the report of the day before.
        """
        body: dict[str, Any] = {"name": name, "url": url, "least_severity": least_severity}
        body |= {"endpoints": list(endpoints), "daily_report": daily_report}
        return self._post("/channels", body)

    def channels(self) -> list[dict[str, Any]]:
        """Who is told, and how many notices wait."""
        return list(self._get("/channels")["channels"])

    def test_channel(self, name: str) -> dict[str, Any]:
        """Send a test through a channel; `delivered` and `error` say what happened."""
        return self._post(f"/channels/{quote(name, safe='')}/test", {})

    def remove_channel(self, name: str) -> None:
        """Remove a channel. What waits for it is given up."""
        self._control.call("DELETE", f"/api/v1/channels/{quote(name, safe='')}")
