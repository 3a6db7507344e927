"""Releases: start one, watch it, and the by-hand verbs. What they mean is in `releases/`."""

from typing import Any, Literal

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel, Field

from interlock.api.access import Actor, GuardedRoute, check_endpoint, needs
from interlock.api.rendering import finite, plain
from interlock.api.services import Given
from interlock.domain.errors import InvalidInputError
from interlock.domain.release import ReleasePlan

router = APIRouter(prefix="/releases", tags=["releases"], route_class=GuardedRoute)


class NewRelease(BaseModel, extra="forbid"):
    """A candidate for an endpoint. `plan` overrides fields of the default plan."""

    endpoint: str
    candidate: str
    strategy: str = Field("canary", description="canary; others are not there yet")
    plan: dict[str, Any] = {}


class Reason(BaseModel, extra="forbid"):
    """Why, for the audit log."""

    reason: str = ""


@router.get("", **needs("read", limited_keys=True))
def list_releases(actor: Actor, services: Given, endpoint: str | None = None) -> dict[str, Any]:
    """Every release, newest first, of all endpoints or of one."""
    found = [each for each in services.releases.list(endpoint) if actor.may("read", each["endpoint"])]
    return {"releases": finite(plain(found[::-1]))}


@router.post("", status_code=201, **needs("operate", limited_keys=True))
def start(new: NewRelease, actor: Actor, services: Given) -> dict[str, Any]:
    """Begin to send traffic to a candidate."""
    check_endpoint(actor, "operate", new.endpoint)
    release = services.releases.start(
        new.endpoint, new.candidate, strategy=_strategy(new.strategy), plan=_plan(new.plan), actor=actor
    )
    return _show(services, release.id)


@router.get("/{id}", **needs("read", limited_keys=True))
def show(id: str, actor: Actor, services: Given) -> dict[str, Any]:
    """State, decision and gates."""
    with services.store.read() as tx:
        check_endpoint(actor, "read", tx.releases.get(id).endpoint)
    return _show(services, id)


@router.post("/{id}/{verb}", **needs("operate", limited_keys=True))
def act(
    id: str, verb: Literal["promote", "pause", "resume"], asked: Reason, actor: Actor, services: Given
) -> dict[str, Any]:
    """By hand: promote, pause or resume."""
    with services.store.read() as tx:
        check_endpoint(actor, "operate", tx.releases.get(id).endpoint)
    verbs = {"promote": services.releases.promote, "pause": services.releases.pause, "resume": services.releases.resume}
    verbs[verb](id, actor=actor, reason=asked.reason)
    return _show(services, id)


def _show(services: Given, id: str) -> dict[str, Any]:
    return dict(finite(plain(services.releases.show(id))))


def _strategy(given: str) -> Literal["canary"]:
    if given == "canary":
        return "canary"
    raise InvalidInputError(
        f"strategy == {given[:60]!r}, must be canary (shadow, blue_green, ab_test and bandit are not there yet)"
    )


def _plan(given: dict[str, Any]) -> ReleasePlan:
    unknown = sorted(given.keys() - set(ReleasePlan.__struct_fields__))
    if unknown:
        raise InvalidInputError(
            *(f"plan has no {name!r}; it has: {', '.join(ReleasePlan.__struct_fields__)}" for name in unknown)
        )
    try:
        return msgspec.convert(given, ReleasePlan)
    except msgspec.ValidationError as error:
        raise InvalidInputError(f"plan: {error}") from error
