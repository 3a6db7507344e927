"""Online learning: what is declared, and learners."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from interlock.client.control.requests import ControlRequests


class OnlineLearning(ControlRequests):
    """Methods of the client, one a route."""

    def declare_online_learning(self, endpoint: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """Put a declaration in the place of the one before, as docs/online-learning.md has it."""
        path = f"/api/v1/endpoints/{quote(endpoint, safe='')}/online-learning"
        return dict(self._control.json("PUT", path, dict(document))["online_learning"])

    def online_learning(self, endpoint: str) -> dict[str, Any] | None:
        """What is declared, or None."""
        found = self._get(f"/endpoints/{quote(endpoint, safe='')}/online-learning")["online_learning"]
        return dict(found) if found is not None else None

    def withdraw_online_learning(self, endpoint: str) -> None:
        """Take the declaration away: the learner stops, and what serves goes on serving."""
        self._control.call("DELETE", f"/api/v1/endpoints/{quote(endpoint, safe='')}/online-learning")

    def learners(self) -> list[dict[str, Any]]:
        """Online learners, by endpoint."""
        return list(self._get("/learners")["learners"])

    def learner(self, endpoint: str) -> dict[str, Any]:
        """How an endpoint's learner is doing: labels learnt, how far behind, last snapshot, what the guard says."""
        return self._get(f"/learners/{quote(endpoint, safe='')}")

    def pause_learner(self, endpoint: str) -> dict[str, Any]:
        """Let a learner stop where it is."""
        return self._post(f"/learners/{quote(endpoint, safe='')}/pause", {})

    def resume_learner(self, endpoint: str) -> dict[str, Any]:
        """Let a learner go on where it stopped, or from the champion if that is another's."""
        return self._post(f"/learners/{quote(endpoint, safe='')}/resume", {})

    def set_learner_back(self, endpoint: str, to: str | None = None) -> dict[str, Any]:
        """Set a learner back to an earlier snapshot of its own, by default the one before the last."""
        return self._post(f"/learners/{quote(endpoint, safe='')}/back", {"to": to} if to is not None else {})

    def replay_snapshot(self, version: str, pin: str | None = None) -> dict[str, Any]:
        """Teach a snapshot's predecessor the same lessons again, and compare what comes out.

        Args:
            version: The snapshot, `name:version`.
            pin: `endpoint@name` of a pin that holds its rows. Default: the log as it is.
        """
        return self._post("/learners/replays", {"version": version} | ({"pin": pin} if pin is not None else {}))
