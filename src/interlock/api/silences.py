"""Silences: until when nobody is told of an endpoint's incidents."""

from typing import Any

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, Field

from interlock.api.access import Actor, GuardedRoute, check_endpoint, needs
from interlock.api.rendering import plain
from interlock.api.services import Given

router = APIRouter(prefix="/silences", tags=["alerts"], route_class=GuardedRoute)


class NewSilence(BaseModel, extra="forbid"):
    """A silence to begin now."""

    endpoint: str = Field("", description="whose incidents; empty is all, and the server's own")
    until: AwareDatetime = Field(description="its end, ISO 8601 with a time zone")
    reason: str = ""


@router.get("", **needs("read", limited_keys=True))
def list_silences(actor: Actor, services: Given) -> dict[str, Any]:
    """All, newest first, also those that have ended."""
    found = [each for each in services.alerts.silences() if not each.endpoint or actor.may("read", each.endpoint)]
    return {"silences": plain(found)}


@router.post("", status_code=201, **needs("operate", limited_keys=True))
def silence(new: NewSilence, actor: Actor, services: Given) -> dict[str, Any]:
    """Tell nobody until a time. Incidents are kept; those still firing then are told of."""
    check_endpoint(actor, "operate", new.endpoint)
    return dict(plain(services.alerts.silence(new.endpoint, until=new.until, actor=actor, reason=new.reason)))
