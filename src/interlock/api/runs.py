"""Runs of retraining: ask for one, watch it, cancel it, try it again. What they mean is in `learning/`."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from interlock.api.access import Actor, GuardedRoute, check_endpoint, needs
from interlock.api.rendering import finite, plain
from interlock.api.services import Given
from interlock.domain.retraining import Mode
from interlock.domain.run import Run

router = APIRouter(prefix="/runs", tags=["runs"], route_class=GuardedRoute)

_LOG_BYTES = 64 * 1024


class NewRun(BaseModel, extra="forbid"):
    """A run on an endpoint, as its retraining is declared."""

    endpoint: str
    mode: Mode | None = Field(None, description="in place of what is declared")
    release: bool = Field(True, description="whether a version that passes is released as declared")


@router.get("", **needs("read", limited_keys=True))
def list_runs(actor: Actor, services: Given, endpoint: str | None = None) -> dict[str, Any]:
    """Every run, newest first, of all endpoints or of one."""
    found = [_shown(run) for run in services.runs.list(endpoint) if actor.may("read", run.endpoint)]
    return {"runs": found[::-1]}


@router.post("", status_code=201, **needs("operate", limited_keys=True))
def ask(new: NewRun, actor: Actor, services: Given) -> dict[str, Any]:
    """Ask for a run. The answer comes at once; the run begins when its controller comes by."""
    check_endpoint(actor, "operate", new.endpoint)
    return _shown(services.runs.ask(new.endpoint, actor, mode=new.mode, release=new.release))


@router.get("/{id}", **needs("read", limited_keys=True))
def show(id: str, actor: Actor, services: Given) -> dict[str, Any]:
    """All that is known of a run."""
    return _shown(_found(id, "read", actor, services))


@router.get("/{id}/log", **needs("read", limited_keys=True))
def log(
    id: str, actor: Actor, services: Given, most_bytes: Annotated[int, Query(ge=1, le=4 * 1024 * 1024)] = _LOG_BYTES
) -> dict[str, str]:
    """The last part of what its processes said, where it ran on this machine."""
    _found(id, "read", actor, services)
    return {"id": id, "log": services.runs.log(id, most_bytes)}


@router.post("/{id}/cancel", **needs("operate", limited_keys=True))
def cancel(id: str, actor: Actor, services: Given) -> dict[str, Any]:
    """End a run. One that works ends within a second or two."""
    _found(id, "operate", actor, services)
    return _shown(services.runs.cancel(id, actor))


@router.post("/{id}/rerun", status_code=201, **needs("operate", limited_keys=True))
def rerun(id: str, actor: Actor, services: Given) -> dict[str, Any]:
    """Ask for a run with the settings and the pinned rows of this one."""
    _found(id, "operate", actor, services)
    return _shown(services.runs.rerun(id, actor))


def _found(id: str, permission: str, actor: Actor, services: Given) -> Run:
    run = services.runs.get(id)
    check_endpoint(actor, permission, run.endpoint)
    return run


def _shown(run: Run) -> dict[str, Any]:
    return dict(finite(plain(run)))
