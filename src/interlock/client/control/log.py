"""The prediction log: its rows, its pins, its accounts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from interlock.client.control.requests import ControlRequests
from interlock.client.log_selection import LogSelection


class PredictionLog(ControlRequests):
    """Methods of the client, one a route."""

    def sql(self, statement: str, *, fresh: bool = True, pin: str | None = None) -> list[dict[str, Any]]:
        """Query the prediction log.

        Args:
            statement: DuckDB's SQL.
            fresh: Wait until the log holds everything acknowledged before.
            pin: Ask a pinned version, ENDPOINT@NAME, in place of the present one.
        """
        body = {"sql": statement, "fresh": fresh} | ({"pin": pin} if pin is not None else {})
        return list(self._post("/log/sql", body)["rows"])

    def pin(self, endpoint: str, name: str) -> dict[str, Any]:
        """Pin what an endpoint's log holds: it then reads the same for ever."""
        return self._post(f"/log/{quote(endpoint, safe='')}/pins", {"name": name})

    def pins(self, endpoint: str) -> list[dict[str, Any]]:
        """Pinned versions of an endpoint's log."""
        return list(self._get(f"/log/{quote(endpoint, safe='')}/pins")["pins"])

    def verify_pins(self, endpoint: str) -> dict[str, list[str]]:
        """By name, what is wrong with the pins of an endpoint: nothing, if they are bit for bit what was pinned."""
        return dict(self._get(f"/log/{quote(endpoint, safe='')}/pins", verify="true")["faults"])

    def unpin(self, endpoint: str, name: str, *, force: bool = False) -> None:
        """Let go of a pin. `force`: also if model versions were trained on it."""
        path = f"/api/v1/log/{quote(endpoint, safe='')}/pins/{quote(name, safe='')}"
        self._control.call("DELETE", path + ("?force=true" if force else ""))

    def forget(self, endpoint: str, unit: str) -> dict[str, Any]:
        """Delete a unit's rows from an endpoint's log, its history and its pins. It cannot be undone."""
        return self._post(f"/log/{quote(endpoint, safe='')}/forget", {"unit": unit})

    def log(
        self,
        endpoint: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        versions: Sequence[str | int] = (),
        columns: Sequence[str] = (),
        joined: bool = False,
        fresh: bool = True,
    ) -> LogSelection:
        """Rows of the prediction log, to be read by `.to_pandas()`, `.to_polars()`, `.to_arrow()` or `.batches()`.

        Args:
            endpoint: Its name.
            since, until: Range of `event_at`, with a time zone; the end is excluded.
            versions: Who answered: `flights:3`, or 3 alone.
            columns: Those wanted, in this order; by default all.
            joined: With the label, the decision and the rewards that count for each prediction.
            fresh: Wait until the log holds everything acknowledged before.
        """
        return LogSelection(
            transport=self._control, endpoint=endpoint, since=since, until=until, versions=tuple(versions),
            columns=tuple(columns), joined=joined, fresh=fresh,
        )  # fmt: skip

    def wait_until_logged(self, timeout_seconds: float = 15.0) -> None:
        """Wait until the log holds everything acknowledged before the call.

        Raises:
            OverloadedError: It does not in time.
        """
        self._post("/log/commit", {"timeout_seconds": timeout_seconds})

    def reconciliation(self) -> Any:
        """Whether every acknowledged row is accounted for, by endpoint."""
        return self._get("/log/reconciliation")["endpoints"]
