"""Endpoints: the names callers use, and what answers behind them.

Called by the API and by the demo. An endpoint, its first traffic plan and the audit entry are one transaction. It
refuses to delete an endpoint under release.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from interlock.domain.access import Key
from interlock.domain.contract import PrivacyRule
from interlock.domain.endpoint import Endpoint
from interlock.domain.errors import ConflictError, InvalidInputError
from interlock.domain.names import check_name
from interlock.domain.privacy import effective, resolve
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
        self,
        name: str,
        ref: str,
        actor: Key,
        *,
        deadline_ms: float = 1000.0,
        privacy: Mapping[str, PrivacyRule] | None = None,
        image_share: float | None = None,
    ) -> Endpoint:
        """Create an endpoint that one version answers.

        Args:
            name: As callers will use it.
            ref: The first champion.
            actor: Who asks.
            deadline_ms: How long a model may take.
            privacy: What the log gets of a column, by the column's name (`domain.privacy`).
            image_share: Share of images that the log keeps; None leaves it to the contracts.

        Raises:
            InvalidInputError: The name, the deadline or a rule breaks a rule; a rule names no column.
            NotFoundError: There is no such version.
            ConflictError: The name is taken.
        """
        check_name("endpoint", name)
        if not 0 < deadline_ms <= _LONGEST_DEADLINE_MS:
            raise InvalidInputError(f"deadline_ms == {deadline_ms:g}, must be above 0 and at most 600000")
        now = self._clock()
        with self._store.transaction() as tx:
            version = tx.models.get(ref)
            champion, rules = version.ref, resolve(privacy or {}, [version.contract])
            endpoint = Endpoint(
                name=name,
                created_at=now,
                created_by=actor.name,
                deadline_ms=deadline_ms,
                privacy=rules,
                image_share=image_share,
            )
            plan = TrafficPlan(
                endpoint=name,
                generation=1,
                champion=champion,
                deadline_ms=deadline_ms,
                privacy=rules,
                image_share=image_share,
            )
            tx.endpoints.add(endpoint)
            tx.plans.append(plan)
            details = {"model": champion, "deadline_ms": deadline_ms, "privacy": rules, "image_share": image_share}
            tx.audit.append(now, actor.name, actor.role, "endpoint.create", name, details)
        return endpoint

    def change(
        self,
        name: str,
        actor: Key,
        *,
        privacy: Mapping[str, PrivacyRule] | None = None,
        image_share: float | None = None,
    ) -> Endpoint:
        """Change what the log gets from now on, also under release. What was logged before stays as it is.

        Args:
            name: Which.
            actor: Who asks.
            privacy: New rules; columns that are not named keep theirs.
            image_share: Share of images that the log keeps; None leaves it as it is.

        Raises:
            NotFoundError: There is no such endpoint.
            InvalidInputError: A rule names no column.
        """
        with self._store.transaction() as tx:
            before, now = tx.endpoints.get(name), tx.plans.current(name)
            contracts = [tx.models.get(ref).contract for ref in now.versions]
            changes: dict[str, Any] = {"privacy": {**before.privacy, **resolve(privacy or {}, contracts)}}
            changes["image_share"] = before.image_share if image_share is None else image_share
            endpoint = msgspec.structs.replace(before, **changes)
            plan = msgspec.structs.replace(now, generation=now.generation + 1, **changes)
            tx.endpoints.update(endpoint)
            tx.plans.append(plan)
            was = {"privacy": before.privacy, "image_share": before.image_share}
            details = {"before": was, "after": changes, "generation": plan.generation}
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
        """An endpoint, its traffic plan, the share of each version, the champion's contract, and the columns that the
        log does not get as they are, as plain JSON.

        Raises:
            NotFoundError: There is no such endpoint.
        """
        with self._store.read() as tx:
            endpoint, plan = tx.endpoints.get(name), tx.plans.current(name)
            contracts = {ref: tx.models.get(ref).contract for ref in plan.versions}
        return {
            **_summary(endpoint, plan),
            "contract": msgspec.to_builtins(contracts[plan.champion]),
            "withheld": effective(contracts.values(), endpoint.privacy),
        }


def _summary(endpoint: Endpoint, plan: TrafficPlan) -> dict[str, Any]:
    share = plan.traffic_share if plan.challenger else 0.0
    traffic = {plan.champion: 1.0 - share, **({plan.challenger: share} if plan.challenger else {})}
    return {
        **msgspec.to_builtins(endpoint),
        "model": plan.champion,
        "traffic": traffic,
        "plan": msgspec.to_builtins(plan),
    }
