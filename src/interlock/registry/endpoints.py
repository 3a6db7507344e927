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
from interlock.domain.model import ModelVersion
from interlock.domain.names import check_name
from interlock.domain.traffic import TrafficPlan
from interlock.store.database import Store

_LONGEST_DEADLINE_MS = 600_000.0


class Endpoints:
    """Endpoints of one store.

    Args:
        clock: Aware UTC now.
    """

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store, self._clock = store, clock

    def create(
        self, name: str, ref: str, actor: Key, *, deadline_ms: float = 1000.0, label_key: str | None = None
    ) -> Endpoint:
        """Create an endpoint that one version answers.

        Raises:
            InvalidInputError: The name or the deadline breaks a rule, or the version takes no input called as the key.
            NotFoundError: There is no such version.
            ConflictError: The name is taken.
        """
        check_name("endpoint", name)
        if not 0 < deadline_ms <= _LONGEST_DEADLINE_MS:
            raise InvalidInputError(f"deadline_ms == {deadline_ms:g}, must be above 0 and at most 600000")
        now = self._clock()
        endpoint = Endpoint(
            name=name, created_at=now, created_by=actor.name, deadline_ms=deadline_ms, label_key=label_key
        )
        with self._store.transaction() as tx:
            version = tx.models.get(ref)
            champion = version.ref
            _check_key(label_key, version)
            tx.endpoints.add(endpoint)
            tx.plans.append(TrafficPlan(endpoint=name, generation=1, champion=champion, deadline_ms=deadline_ms))
            details: dict[str, Any] = {"model": champion, "deadline_ms": deadline_ms}
            if label_key is not None:
                details["label_key"] = label_key
            tx.audit.append(now, actor.name, actor.role, "endpoint.create", name, details)
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


def _check_key(label_key: str | None, version: ModelVersion) -> None:
    inputs = [field.name for field in version.contract.inputs]
    if label_key not in (None, "unit", *inputs):
        raise InvalidInputError(
            f"label_key == {label_key!r}, must be unit, or an input of {version.ref}: {', '.join(inputs)}"
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
