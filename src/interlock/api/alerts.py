"""Incidents: what is wrong, since when, who knows."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from interlock.api.access import Actor, GuardedRoute, check_endpoint, needs
from interlock.api.rendering import finite, plain
from interlock.api.services import Given
from interlock.monitoring.alerts import Wanted, describe

router = APIRouter(prefix="/alerts", tags=["alerts"], route_class=GuardedRoute)


class Acknowledgement(BaseModel, extra="forbid"):
    """Why, for the audit log and the incident's history."""

    reason: str = ""


@router.get("", **needs("read", limited_keys=True))
def list_alerts(
    actor: Actor,
    services: Given,
    endpoint: str | None = None,
    state: Annotated[Wanted | None, Query(description="open: firing or acknowledged")] = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
) -> dict[str, Any]:
    """The newest incidents, newest first, of all endpoints or of one."""
    found = services.alerts.list(endpoint, state=state, limit=limit, among=actor.endpoints)
    return {"alerts": finite(plain([describe(each) for each in found if actor.may("read", each.endpoint)]))}


@router.get("/{id}", **needs("read", limited_keys=True))
def show(id: int, actor: Actor, services: Given) -> dict[str, Any]:
    """An incident with its symptoms, its history, and what became of its notices."""
    check_endpoint(actor, "read", services.alerts.get(id).endpoint)
    return dict(finite(plain(services.alerts.show(id))))


@router.post("/{id}/ack", **needs("operate", limited_keys=True))
def acknowledge(id: int, asked: Acknowledgement, actor: Actor, services: Given) -> dict[str, Any]:
    """Take an incident on: nobody is told of it again unless it gets worse."""
    check_endpoint(actor, "operate", services.alerts.get(id).endpoint)
    return dict(finite(plain(describe(services.alerts.acknowledge(id, actor=actor, reason=asked.reason)))))
