"""Endpoints: the names callers use, and what answers behind them.

Called by the API and by the demo. An endpoint, its first traffic plan and the audit entry are one transaction. It
refuses to delete an endpoint under release.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from interlock.domain.access import Key
from interlock.domain.endpoint import Endpoint
from interlock.domain.errors import ConflictError, InvalidInputError
from interlock.domain.names import check_name
from interlock.domain.traffic import TrafficPlan
from interlock.store.database import Store

_LONGEST_DEADLINE_MS = 600_000.0
# A hundred years: more is a slip of the pen.
_LONGEST_RETENTION_DAYS = 36_500


class Endpoints:
    """Endpoints of one store.

    Args:
        clock: Aware UTC now.
    """

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store, self._clock = store, clock

    def create(
        self, name: str, ref: str, actor: Key, *, deadline_ms: float = 1000.0, retention_days: int = 0
    ) -> Endpoint:
        """Create an endpoint that one version answers.

        Args:
            name: How callers will name it.
            ref: The version.
            actor: Who creates it.
            deadline_ms: How long a model may take.
            retention_days: How many full days of events the log keeps; 0 keeps them for ever.

        Raises:
            InvalidInputError: The name, the deadline or the retention breaks a rule.
            NotFoundError: There is no such version.
            ConflictError: The name is taken.
        """
        check_name("endpoint", name)
        if not 0 < deadline_ms <= _LONGEST_DEADLINE_MS:
            raise InvalidInputError(f"deadline_ms == {deadline_ms:g}, must be above 0 and at most 600000")
        _check_retention(retention_days)
        now = self._clock()
        endpoint = Endpoint(
            name=name, created_at=now, created_by=actor.name, deadline_ms=deadline_ms, retention_days=retention_days
        )
        with self._store.transaction() as tx:
            champion = tx.models.get(ref).ref
            tx.endpoints.add(endpoint)
            tx.plans.append(TrafficPlan(endpoint=name, generation=1, champion=champion, deadline_ms=deadline_ms))
            details = {"model": champion, "deadline_ms": deadline_ms, "retention_days": retention_days}
            tx.audit.append(now, actor.name, actor.role, "endpoint.create", name, details)
        return endpoint

    def change(self, name: str, actor: Key, *, retention_days: int) -> Endpoint:
        """Change an endpoint while it serves.

        Args:
            name: Which.
            actor: Who changes it.
            retention_days: How many full days of events the log keeps; 0 keeps them for ever. Upkeep drops the rest.

        Raises:
            InvalidInputError: An option breaks a rule.
            NotFoundError: There is no such endpoint.
        """
        _check_retention(retention_days)
        with self._store.transaction() as tx:
            endpoint = msgspec.structs.replace(tx.endpoints.get(name), retention_days=retention_days)
            tx.endpoints.update(endpoint)
            details = {"retention_days": retention_days}
            tx.audit.append(self._clock(), actor.name, actor.role, "endpoint.change", name, details)
        return endpoint

    def delete(self, name: str, actor: Key) -> None:
        """Delete an endpoint. Its log stays.

        Raises:
            NotFoundError: There is no such endpoint.
            ConflictError: A release runs on it.
        """
        with self._store.transaction() as tx:
            tx.endpoints.get(name)
            running = [release.id for release in tx.releases.active(name)]
            if running:
                raise ConflictError(f"endpoint {name!r} is under release {running[0]}; roll it back first")
            tx.plans.remove(name)
            tx.endpoints.delete(name)
            tx.audit.append(self._clock(), actor.name, actor.role, "endpoint.delete", name, {})

    def list(self) -> list[dict[str, Any]]:
        """Every endpoint, as `describe` without its contract."""
        with self._store.read() as tx:
            plans = {plan.endpoint: plan for plan in tx.plans.all_current()}
            return [_summary(endpoint, plans[endpoint.name]) for endpoint in tx.endpoints.list()]

    def describe(self, name: str) -> dict[str, Any]:
        """An endpoint, its traffic plan, the share of each version, and the champion's contract, as plain JSON.

        Raises:
            NotFoundError: There is no such endpoint.
        """
        with self._store.read() as tx:
            endpoint, plan = tx.endpoints.get(name), tx.plans.current(name)
            contract = tx.models.get(plan.champion).contract
        return {**_summary(endpoint, plan), "contract": msgspec.to_builtins(contract)}


def _check_retention(days: int) -> None:
    if not 0 <= days <= _LONGEST_RETENTION_DAYS:
        raise InvalidInputError(
            f"retention_days == {days}, must be 1 to {_LONGEST_RETENTION_DAYS}, or 0 to keep rows for ever"
        )


def _summary(endpoint: Endpoint, plan: TrafficPlan) -> dict[str, Any]:
    share = plan.traffic_share if plan.challenger else 0.0
    traffic = {plan.champion: 1.0 - share, **({plan.challenger: share} if plan.challenger else {})}
    return {
        **msgspec.to_builtins(endpoint),
        "model": plan.champion,
        "traffic": traffic,
        "plan": msgspec.to_builtins(plan),
    }
