"""Endpoints: where callers ask."""

from typing import Any
from urllib.parse import quote

from interlock.client.control.requests import ControlRequests


class Endpoints(ControlRequests):
    """Methods of the client, one a route."""

    def create_endpoint(self, name: str, model: str, **options: Any) -> dict[str, Any]:
        """Create an endpoint; returns once every live gateway serves it. `options` as for `change_endpoint`."""
        return self._post("/endpoints", {"name": name, "model": model, **options})

    def change_endpoint(self, name: str, **options: Any) -> dict[str, Any]:
        """Change an endpoint while it serves; returns once every live gateway does so. What is not given stays.

        Args:
            name: Which.
            options: `deadline_ms`; `durability` (process or disk); `when_full` (refuse or serve_and_count); `label_key`
                (what identifies a case in files of labels); `retention_days` (full days of events that the log keeps, 0
                for ever); `concept_detectors` (adwin, page_hinkley, kswin, ddm, dummy); `privacy` (what the log gets of
                a column: keep, hash or drop; columns are inputs, `output.<name>`, and `unit` for the sticky key);
                `images` (which of them the log keeps: all, none, or a share).
        """
        return dict(self._control.json("PATCH", f"/api/v1/endpoints/{quote(name, safe='')}", options))

    def endpoints(self) -> list[dict[str, Any]]:
        """Every endpoint."""
        return list(self._get("/endpoints")["endpoints"])

    def endpoint(self, name: str) -> dict[str, Any]:
        """One endpoint, with its traffic."""
        return self._get(f"/endpoints/{quote(name, safe='')}")

    def delete_endpoint(self, name: str) -> None:
        """Stop serving it. Its log stays."""
        self._control.call("DELETE", f"/api/v1/endpoints/{quote(name, safe='')}")
