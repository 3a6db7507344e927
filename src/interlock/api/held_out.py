"""Held-out files that the server keeps for application tests."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from interlock.api.access import Actor, GuardedRoute, needs
from interlock.api.rendering import plain
from interlock.api.services import Given

router = APIRouter(prefix="/held-out", tags=["models"], route_class=GuardedRoute)


class NewFile(BaseModel, extra="forbid"):
    """Which upload. It is kept under the name that it was uploaded with."""

    data: str


@router.post("", status_code=201, **needs("operate"))
def keep(new: NewFile, actor: Actor, services: Given) -> dict[str, Any]:
    """Keep rows for the tests of releases, in place of a file of the same name."""
    try:
        return dict(plain(services.held_out.keep(services.staging.find(new.data), actor)))
    finally:
        services.staging.discard(new.data)


@router.get("", **needs("read"))
def list_files(services: Given) -> dict[str, Any]:
    """All that are kept, by name."""
    return {"files": plain(services.held_out.list())}
