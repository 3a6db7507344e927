"""Releases: their start, their evidence, and what people decide."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from interlock.client.control.requests import ControlRequests, iso


class Releases(ControlRequests):
    """Methods of the client, one a route."""

    def start_release(
        self,
        endpoint: str,
        candidate: str,
        *others: str,
        strategy: str | None = None,
        plan: Mapping[str, Any] | None = None,
        override: Sequence[str] = (),
        reason: str = "",
    ) -> dict[str, Any]:
        """Start a release by `shadow`, `canary`, `blue_green`, `ab_test` or `bandit`; the last two take several.

        Args:
            endpoint: Whose traffic.
            candidate: `name:version`.
            others: Further candidates.
            strategy: How it is decided; default: the endpoint's strategy, else `canary`.
            plan: Fields in place of the endpoint's plan, else of the strategy's.
            override: What of the contract may break callers, by name, like `input.age`; needs a key that may approve.
            reason: Why, for the audit log; must be given with an override.
        """
        body = {"endpoint": endpoint, "candidate": candidate, "strategy": strategy, "plan": dict(plan or {})}
        more = {"others": list(others), "override": list(override), "reason": reason}
        return self._post("/releases", body | more)

    def releases(self, endpoint: str | None = None) -> list[dict[str, Any]]:
        """Releases, newest first."""
        return list(self._get("/releases", endpoint=endpoint)["releases"])

    def release(self, id: str) -> dict[str, Any]:
        """State, decision and gates of a release."""
        return self._get(f"/releases/{quote(id, safe='')}")

    def evaluate(
        self,
        endpoint: str,
        policy: Mapping[str, Any],
        *,
        reward: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        alpha: float = 0.05,
        fresh: bool = True,
    ) -> dict[str, Any]:
        """Estimate what another split of the traffic would have earned, from rows that chance assigned.

        Args:
            endpoint: Whose log.
            policy: `{"shares": {"wine:1": 0.5, "wine:2": 0.5}}`, with `"segments"` where wanted.
            reward: A logged reward's name, or `quality`; by default the only one there is.
            since, until: Range of `event_at`, with a time zone; the end is excluded.
            alpha: Probability that an interval is wrong.
            fresh: First wait until the log holds everything acknowledged before.
        """
        wanted = {"endpoint": endpoint, "policy": dict(policy), "reward": reward, "alpha": alpha, "fresh": fresh}
        return self._post("/releases/evaluation", {**wanted, "since": iso(since), "until": iso(until)})

    def forecast(
        self,
        endpoint: str,
        *,
        strategy: str | None = None,
        plan: Mapping[str, Any] | None = None,
        candidates: int = 1,
    ) -> dict[str, Any]:
        """How long a release of so many candidates would take at the endpoint's traffic, and what harm it would see."""
        asked = {"endpoint": endpoint, "strategy": strategy, "plan": dict(plan or {})}
        return self._post("/releases/forecast", asked | ({"candidates": candidates} if candidates != 1 else {}))

    def backtest(
        self,
        endpoint: str,
        *,
        strategy: str | None = None,
        plan: Mapping[str, Any] | None = None,
        fault: Mapping[str, Any],
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100_000,
        seed: int = 0,
    ) -> dict[str, Any]:
        """What a plan would have done to a candidate that is the champion with a fault, on the endpoint's own past.

        Args:
            endpoint, strategy, plan: As of `start_release`; shadow or canary.
            fault: `errors`, the share of requests on which it fails, and `column`, an input with other rows' values.
            since, until: Range of `event_at`, the end excluded.
            limit: At most so many rows, the newest.
            seed: Of what chance decides.

        Returns:
            `end` (`stopped`, `promoted` or `undecided`), `requests`, `harmed`, the gates, and all of it as `sentence`.
        """
        wanted = {"endpoint": endpoint, "strategy": strategy, "plan": dict(plan or {})}
        rows = {"since": iso(since), "until": iso(until), "limit": limit, "seed": seed}
        return self._post("/releases/backtest", {**wanted, **fault, **rows})

    def approve(self, id: str, reason: str = "") -> dict[str, Any]:
        """Let a release go on that waits for approval. Not for who started it."""
        return self._post(f"/releases/{quote(id, safe='')}/approve", {"reason": reason})

    def reject(self, id: str, reason: str = "") -> dict[str, Any]:
        """End a release that waits for approval."""
        return self._post(f"/releases/{quote(id, safe='')}/reject", {"reason": reason})

    def promote(self, id: str, reason: str = "", *, candidate: str | None = None) -> dict[str, Any]:
        """Give the candidate all traffic now; of several, the one that is named, or that has won."""
        body = {"reason": reason} | ({"candidate": candidate} if candidate is not None else {})
        return self._post(f"/releases/{quote(id, safe='')}/promote", body)

    def pause(self, id: str, reason: str = "") -> dict[str, Any]:
        """Stop deciding; traffic stays as it is."""
        return self._post(f"/releases/{quote(id, safe='')}/pause", {"reason": reason})

    def resume(self, id: str, reason: str = "") -> dict[str, Any]:
        """Go on deciding."""
        return self._post(f"/releases/{quote(id, safe='')}/resume", {"reason": reason})

    def rollback(self, endpoint: str, *, to: str | None = None, reason: str = "") -> dict[str, Any]:
        """Take the traffic back, by default to the champion before."""
        return self._post(f"/endpoints/{quote(endpoint, safe='')}/rollback", {"to": to, "reason": reason})
