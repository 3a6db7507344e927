"""Retraining: what is declared, and its runs."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from interlock.client.control.requests import ControlRequests


class Retraining(ControlRequests):
    """Methods of the client, one a route."""

    def retrain(self, endpoint: str, *, mode: str | None = None, release: bool = True) -> dict[str, Any]:
        """Ask for a run of retraining: `scratch`, `fine_tune` or `blend`, by default as declared.

        Args:
            endpoint: Whose model.
            mode: In place of what is declared.
            release: Whether a version that passes is released as declared.
        """
        body = {"endpoint": endpoint, "release": release} | ({"mode": mode} if mode is not None else {})
        return self._post("/runs", body)

    def runs(self, endpoint: str | None = None) -> list[dict[str, Any]]:
        """Runs of retraining, newest first."""
        return list(self._get("/runs", endpoint=endpoint)["runs"])

    def run(self, id: str) -> dict[str, Any]:
        """All that is known of a run."""
        return self._get(f"/runs/{quote(id, safe='')}")

    def run_log(self, id: str) -> str:
        """The last part of what the processes of a run said."""
        return str(self._get(f"/runs/{quote(id, safe='')}/log")["log"])

    def cancel_run(self, id: str) -> dict[str, Any]:
        """End a run. One that works ends within a second or two."""
        return self._post(f"/runs/{quote(id, safe='')}/cancel", {})

    def rerun(self, id: str) -> dict[str, Any]:
        """Ask for a run with the settings and the pinned rows of an earlier one."""
        return self._post(f"/runs/{quote(id, safe='')}/rerun", {})

    def declare_retraining(self, endpoint: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """Put a declaration in the place of the one before, as docs/retraining.md has it."""
        path = f"/api/v1/endpoints/{quote(endpoint, safe='')}/retraining"
        return dict(self._control.json("PUT", path, dict(document))["retraining"])

    def retraining(self, endpoint: str) -> dict[str, Any]:
        """What is declared (`retraining`), and what its triggers remember and wait for (`triggers`), or None."""
        return self._get(f"/endpoints/{quote(endpoint, safe='')}/retraining")

    def withdraw_retraining(self, endpoint: str) -> None:
        """Take the declaration away."""
        self._control.call("DELETE", f"/api/v1/endpoints/{quote(endpoint, safe='')}/retraining")

    def advise(self, endpoint: str, *, tolerated: float = 0.01, starts: int = 6) -> dict[str, Any]:
        """Begin to measure how fast the model grows old and how often to retrain; `advice` says how far it is.

        Args:
            endpoint: Whose model.
            tolerated: Share of a fresh model's loss that may be lost on average between two runs.
            starts: How many models are taught, each up to another day.
        """
        path = f"/endpoints/{quote(endpoint, safe='')}/retraining/advice"
        return self._post(path, {"tolerated": tolerated, "starts": starts})

    def advice(self, endpoint: str) -> dict[str, Any]:
        """The newest advice on an endpoint."""
        return self._get(f"/endpoints/{quote(endpoint, safe='')}/retraining/advice")
