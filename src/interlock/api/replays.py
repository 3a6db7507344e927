"""Replays of an endpoint's past through a candidate: start one, watch it, cancel it."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from interlock.api.access import Actor, GuardedRoute, needs
from interlock.api.logged import commit_what_waits
from interlock.api.monitoring import aware
from interlock.api.rendering import finite, plain
from interlock.api.services import Given
from interlock.domain.replay import Replay
from interlock.scoring.replays import Wanted

router = APIRouter(prefix="/endpoints/{endpoint}/replays", tags=["replays"], route_class=GuardedRoute)


class NewReplay(BaseModel, extra="forbid"):
    """Which rows of the log a candidate shall score. `fresh`: first commit what waits in the spool."""

    candidate: str = Field(description="NAME:VERSION")
    since: datetime | None = Field(None, description="start of the range of event_at; default: the first row")
    until: datetime | None = Field(None, description="its end, which is excluded; default: the last row")
    limit: int | None = Field(None, description="at most so many rows, chosen evenly over the range")
    fresh: bool = True


@router.get("", **needs("read"))
def list_replays(endpoint: str, services: Given) -> dict[str, Any]:
    """Every replay of the endpoint with its report, newest first."""
    return {"replays": [_shown(each) for each in services.replays.list(endpoint)]}


@router.post("", status_code=202, **needs("operate"))
def start(endpoint: str, new: NewReplay, actor: Actor, services: Given) -> dict[str, Any]:
    """Start a replay. It goes on by itself; its state says how far it is, and in the end its report is there."""
    wanted = Wanted(
        endpoint=endpoint,
        candidate=new.candidate,
        since=aware("since", new.since),
        until=aware("until", new.until),
        limit=new.limit,
    )
    if new.fresh:
        commit_what_waits(services.settings)
    return _shown(services.replays.start(wanted, actor=actor))


@router.get("/{id}", **needs("read"))
def show(endpoint: str, id: str, services: Given) -> dict[str, Any]:
    """One replay: how far it is, or its report."""
    return _shown(services.replays.get(endpoint, id))


@router.post("/{id}/cancel", **needs("operate"))
def cancel(endpoint: str, id: str, actor: Actor, services: Given) -> dict[str, Any]:
    """Ask a replay to stop."""
    return _shown(services.replays.cancel(endpoint, id, actor=actor))


def _shown(replay: Replay) -> dict[str, Any]:
    return dict(finite(plain(replay)))
