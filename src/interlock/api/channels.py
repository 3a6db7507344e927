"""Channels: who is told of incidents. Only administrators; no answer shows a whole URL."""

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel

from interlock.api.access import Actor, GuardedRoute, needs
from interlock.api.rendering import plain
from interlock.api.services import Given

router = APIRouter(prefix="/channels", tags=["alerts"], route_class=GuardedRoute)


class NewChannel(BaseModel, extra="forbid"):
    """A channel to add: `https://...` is a webhook, anything else as Apprise spells it."""

    name: str
    url: str
    least_severity: str = "info"
    endpoints: tuple[str, ...] = ()
    daily_report: int | None = None


@router.get("", **needs("read"))
def list_channels(services: Given) -> dict[str, Any]:
    """All, with how many notices wait for each."""
    return {"channels": plain(services.channels.list())}


@router.post("", status_code=201, **needs("admin"))
def add(new: NewChannel, actor: Actor, services: Given) -> dict[str, Any]:
    """Add a channel. It is told of what happens from now on."""
    return dict(
        plain(
            services.channels.add(
                new.name,
                new.url,
                actor=actor,
                least_severity=new.least_severity,
                endpoints=new.endpoints,
                daily_report=new.daily_report,
            )
        )
    )


@router.delete("/{name}", status_code=204, **needs("admin"))
def remove(name: str, actor: Actor, services: Given) -> Response:
    """Remove a channel. What waits for it is given up."""
    services.channels.remove(name, actor=actor)
    return Response(status_code=204)


@router.post("/{name}/test", **needs("operate"))
def send_test(name: str, actor: Actor, services: Given) -> dict[str, Any]:
    """Send a test now, and say what happened."""
    return services.channels.test(name, actor=actor)
