"""Releases as code: what is there as a file, what a file would change, and a file put in force."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from interlock.api.access import Actor, GuardedRoute, needs
from interlock.api.rendering import finite, plain
from interlock.api.services import Given
from interlock.api.serving import await_served
from interlock.configuration.change import Change
from interlock.domain.access import Key
from interlock.domain.configuration_schema import schema
from interlock.domain.errors import UnloadableModelError

router = APIRouter(prefix="/config", tags=["config"], route_class=GuardedRoute)


class Wanted(BaseModel, extra="forbid"):
    """A file. What it may say is in the schema beside this route, and in docs/config.md."""

    document: dict[str, Any] = Field(description="its content, with secrets filled in")
    prune: bool = Field(False, description="delete what is not in the file, in the sections that it has")


class Agreed(Wanted):
    """A file that is to be put in force."""

    deletes: list[str] | None = Field(None, description="places of what may be deleted; by default all that is found")


@router.get("", **needs("read"))
def show(services: Given) -> dict[str, Any]:
    """What is there, as it would stand in a file. Channels stand there without their URLs."""
    return dict(finite(plain(services.configurations.current())))


@router.get("/schema", **needs("read"))
def show_schema() -> dict[str, Any]:
    """The JSON Schema of a file."""
    return schema()


@router.post("/diff", **needs("read"))
def diff(wanted: Wanted, services: Given) -> dict[str, Any]:
    """What a file would change. Nothing is done."""
    return dict(finite(plain(services.configurations.diff(wanted.document, prune=wanted.prune))))


@router.post("/apply", **needs("operate"))
def apply(wanted: Agreed, actor: Actor, services: Given) -> dict[str, Any]:
    """Put a file in force, all of it or nothing. Answers once every live gateway serves what it says."""
    found = services.configurations.apply(wanted.document, prune=wanted.prune, deletes=wanted.deletes, actor=actor)
    for change in found.changes:
        if change.section == "endpoints" and change.action != "delete":
            _await(services, change, actor)
    return dict(finite(plain(found)))


def _await(services: Given, change: Change, actor: Key) -> None:
    try:
        await_served(services, change.subject)
    except UnloadableModelError as error:
        if change.action != "create":
            raise
        services.endpoints.delete(change.subject, actor=actor)
        raise UnloadableModelError(
            f"{change.place}: {error}; so it was not kept, and the rest of the file is in force"
        ) from error
