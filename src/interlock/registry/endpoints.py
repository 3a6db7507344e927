"""Endpoints: the names callers use, and what answers behind them.

Called by the API and by the demo. An endpoint, its first traffic plan and the audit entry are one transaction. It
refuses to delete an endpoint under release.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, get_args

import msgspec

from interlock.domain.access import Act, Key
from interlock.domain.contract import Contract
from interlock.domain.endpoint import Detector, Durability, Endpoint, WhenFull
from interlock.domain.errors import ConflictError, InvalidInputError
from interlock.domain.names import check_name
from interlock.domain.privacy import effective, resolve, withheld_sentence
from interlock.domain.traffic import TrafficPlan
from interlock.store.database import Store
from interlock.store.transaction import Transaction

_LONGEST_DEADLINE_MS = 600_000.0
# Gateways read plans and not endpoints.
_IN_PLAN = ("deadline_ms", "durability", "when_full", "privacy", "image_share")
# A hundred years: more is a slip of the pen.
_LONGEST_RETENTION_DAYS = 36_500


class Endpoints:
    """Endpoints of one store.

    Args:
        clock: Aware UTC now.
    """

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store, self._clock = store, clock

    def create(self, name: str, ref: str, actor: Key, **options: Any) -> Endpoint:
        """Create an endpoint that one version answers.

        Args:
            name: How callers will name it.
            ref: The first champion, `name:version`.
            actor: Who asks.
            options: As for `change`.

        Raises:
            InvalidInputError: The name or an option breaks a rule, or names what the version does not have.
            NotFoundError: There is no such version.
            ConflictError: The name is taken.
        """
        with self._store.transaction() as tx:
            return add(tx, name, ref, Act(actor, self._clock()), options)

    def change(self, name: str, actor: Key, **options: Any) -> Endpoint:
        """Change an endpoint while it serves. A release on it goes on; what was logged before stays as it is.

        Args:
            name: Which.
            actor: Who asks.
            options: `deadline_ms`, `durability`, `when_full`, `label_key`, `retention_days`, `image_share`, and
                `privacy`, in which columns that are not named keep their rule; `release_defaults`. What is not given
                stays.

        Raises:
            InvalidInputError: An option breaks a rule, or names what no version in the plan has.
            NotFoundError: There is no such endpoint.
        """
        with self._store.transaction() as tx:
            return change(tx, name, Act(actor, self._clock()), options)

    def delete(self, name: str, actor: Key) -> None:
        """Delete an endpoint. Its log stays.

        Raises:
            NotFoundError: There is no such endpoint.
            ConflictError: A release runs on it.
        """
        with self._store.transaction() as tx:
            delete(tx, name, Act(actor, self._clock()))

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


def add(tx: Transaction, name: str, ref: str, act: Act, options: Mapping[str, Any]) -> Endpoint:
    """As `Endpoints.create`, as a part of a transaction."""
    check_name("endpoint", name)
    version = tx.models.get(ref)
    endpoint = altered(Endpoint(name=name, created_at=act.at, created_by=act.actor.name), options, [version.contract])
    tx.endpoints.add(endpoint)
    tx.plans.append(TrafficPlan(endpoint=name, generation=1, champion=version.ref, **_of_plan(endpoint)))
    details = {"model": version.ref, **{option: getattr(endpoint, option) for option in options}}
    tx.audit.append(act.at, act.actor.name, act.actor.role, "endpoint.create", name, details)
    return endpoint


def change(tx: Transaction, name: str, act: Act, options: Mapping[str, Any]) -> Endpoint:
    """As `Endpoints.change`, as a part of a transaction."""
    before, plan = tx.endpoints.get(name), tx.plans.current(name)
    endpoint = altered(before, options, contracts_of(tx, plan))
    plan = msgspec.structs.replace(plan, generation=plan.generation + 1, **_of_plan(endpoint))
    tx.endpoints.update(endpoint)
    tx.plans.append(plan)
    if "privacy" in options:  # bodies of refused requests are from before
        tx.rejections.drop_bodies(name)
    was, now = ({option: getattr(each, option) for option in options} for each in (before, endpoint))
    details = {"before": was, "after": now, "generation": plan.generation}
    tx.audit.append(act.at, act.actor.name, act.actor.role, "endpoint.change", name, details)
    return endpoint


def delete(tx: Transaction, name: str, act: Act) -> None:
    """As `Endpoints.delete`, as a part of a transaction."""
    tx.endpoints.get(name)
    running = [release.id for release in tx.releases.active(name)]
    if running:
        raise ConflictError(f"endpoint {name!r} is under release {running[0]}; roll it back first")
    tx.plans.remove(name)
    tx.endpoints.delete(name)
    tx.audit.append(act.at, act.actor.name, act.actor.role, "endpoint.delete", name, {})


def contracts_of(tx: Transaction, plan: TrafficPlan) -> list[Contract]:
    """Of every version that may answer, the champion's first."""
    return [tx.models.get(ref).contract for ref in plan.versions]


def altered(endpoint: Endpoint, options: Mapping[str, Any], contracts: Sequence[Contract]) -> Endpoint:
    """An endpoint with other options.

    Raises:
        InvalidInputError: One breaks a rule, or names what the contracts do not have.
    """
    privacy = {**endpoint.privacy, **resolve(options.get("privacy", {}), contracts)}
    changed = msgspec.structs.replace(endpoint, **{**options, "privacy": privacy})
    if not 0 < changed.deadline_ms <= _LONGEST_DEADLINE_MS:
        raise InvalidInputError(f"deadline_ms == {changed.deadline_ms:g}, must be above 0 and at most 600000")
    if not 0 <= changed.retention_days <= _LONGEST_RETENTION_DAYS:
        rule = f"must be 1 to {_LONGEST_RETENTION_DAYS}, or 0 to keep rows for ever"
        raise InvalidInputError(f"retention_days == {changed.retention_days}, {rule}")
    for name, known in (("durability", Durability), ("when_full", WhenFull)):
        if getattr(changed, name) not in get_args(known):
            raise InvalidInputError(f"{name} == {getattr(changed, name)!r}, must be {' or '.join(get_args(known))}")
    twice = len(set(changed.concept_detectors)) < len(changed.concept_detectors)
    if twice or not set(changed.concept_detectors) <= set(get_args(Detector)):
        known_ones = ", ".join(get_args(Detector))
        raise InvalidInputError(f"concept_detectors == {list(changed.concept_detectors)}, must be among {known_ones}")
    inputs = [field.name for field in contracts[0].inputs]
    if changed.label_key not in (None, "unit", *inputs):
        raise InvalidInputError(
            f"label_key == {changed.label_key!r}, must be unit, or an input of the champion: {', '.join(inputs)}"
        )
    column = changed.label_key if changed.label_key == "unit" else f"input.{changed.label_key}"
    if effective(contracts, privacy).get(column) == "drop":
        raise InvalidInputError(f"label_key == {changed.label_key!r}, and {withheld_sentence([column])}")
    return changed


def _of_plan(endpoint: Endpoint) -> dict[str, Any]:
    """What a traffic plan says of its endpoint."""
    return {name: getattr(endpoint, name) for name in _IN_PLAN}


def _summary(endpoint: Endpoint, plan: TrafficPlan) -> dict[str, Any]:
    return {
        **msgspec.to_builtins(endpoint),
        "model": plan.champion,
        "traffic": plan.shares,
        "plan": msgspec.to_builtins(plan),
    }
