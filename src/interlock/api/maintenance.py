"""Maintenance windows: times of the week in which nobody is told of incidents."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from interlock.api.access import Actor, GuardedRoute, check_endpoint, needs
from interlock.api.rendering import plain
from interlock.api.services import Given
from interlock.domain.maintenance import WEEKDAYS, MaintenanceWindow, Weekday

router = APIRouter(prefix="/maintenance-windows", tags=["alerts"], route_class=GuardedRoute)


class NewWindow(BaseModel, extra="forbid"):
    """A time of the week."""

    name: str = Field(description="its own name")
    endpoint: str = Field("", description="whose incidents; empty is all, and the server's own")
    weekdays: list[Weekday] = Field(default=[*WEEKDAYS], description="days on which it begins")
    begins: str = Field(description="wall-clock time, like 02:00")
    ends: str = Field(description="wall-clock time; not after the beginning means on the day after")
    time_zone: str = Field("UTC", description="of the wall clock, like Europe/Berlin")
    reason: str = ""


@router.get("", **needs("read", limited_keys=True))
def list_windows(actor: Actor, services: Given) -> dict[str, Any]:
    """All, by name."""
    found = [each for each in services.maintenance.list() if not each.endpoint or actor.may("read", each.endpoint)]
    return {"maintenance_windows": plain(found)}


@router.post("", status_code=201, **needs("operate", limited_keys=True))
def add(new: NewWindow, actor: Actor, services: Given) -> dict[str, Any]:
    """Tell nobody at a time that comes back every week. Incidents are kept; those still firing after it are told of."""
    check_endpoint(actor, "operate", new.endpoint)
    given = new.model_dump() | {"weekdays": tuple(new.weekdays)}
    window = MaintenanceWindow(**given, created_at=datetime.now(UTC), created_by=actor.name)
    return dict(plain(services.maintenance.add(window, actor=actor)))


@router.delete("/{name}", **needs("operate", limited_keys=True))
def remove(name: str, actor: Actor, services: Given) -> dict[str, Any]:
    """Take one away."""
    check_endpoint(actor, "operate", services.maintenance.get(name).endpoint)
    services.maintenance.remove(name, actor=actor)
    return {"removed": name}
