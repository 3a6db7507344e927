"""The prediction log over the network: SQL, pins, deletion of a unit, and whether its sums are right."""

import os
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from starlette.background import BackgroundTask

from interlock.api.access import Actor, GuardedRoute, needs
from interlock.api.logged import FRESH_SECONDS, commit_what_waits
from interlock.api.rendering import plain
from interlock.api.services import Given
from interlock.domain.names import check_name
from interlock.domain.pin import split_pin
from interlock.predictions.reconcile import reconcile
from interlock.predictions.sql import answer

router = APIRouter(prefix="/log", tags=["log"], route_class=GuardedRoute)

_CHUNK = 256 * 1024


class Question(BaseModel, extra="forbid"):
    """A query in DuckDB's SQL. `fresh`: first commit what waits in the spool. `pin`: ask a pin, ENDPOINT@NAME."""

    sql: str = Field(max_length=100_000)
    row_limit: int | None = Field(None, ge=1)
    fresh: bool = True
    pin: str | None = None


class NewPin(BaseModel, extra="forbid"):
    """A name for what the log holds now."""

    name: str


class Unit(BaseModel, extra="forbid"):
    """Whose rows are to be deleted: the sticky key that callers sent, or a prediction id where they sent none."""

    unit: str = Field(min_length=1)


class Patience(BaseModel, extra="forbid"):
    """How long to wait."""

    timeout_seconds: float = Field(FRESH_SECONDS, gt=0, le=300)


@router.post("/sql", **needs("read"))
def sql(question: Question, services: Given) -> Response:
    """Ask the log: an endpoint's name is a table; `labels_E`, `decisions_E` and `rewards_E` are what was said of it;
    `E_joined` is all of it in one."""
    if question.pin is not None:
        root, endpoints = services.pins.root(*split_pin(question.pin)), []
    else:
        if question.fresh:
            commit_what_waits(services.settings)
        root, endpoints = services.settings.log, [each["name"] for each in services.endpoints.list()]
    document = answer(root, question.sql, row_limit=question.row_limit, endpoints=endpoints)
    size = document.seek(0, os.SEEK_END)
    document.seek(0)
    return StreamingResponse(
        iter(lambda: document.read(_CHUNK), b""),
        media_type="application/json",
        headers={"Content-Length": str(size)},
        background=BackgroundTask(document.close),
    )


@router.post("/commit", **needs("read"))
def commit(patience: Patience, services: Given) -> dict[str, bool]:
    """Answer when the log holds everything that was acknowledged before the call."""
    commit_what_waits(services.settings, patience.timeout_seconds)
    return {"committed": True}


@router.get("/reconciliation", **needs("read"))
def reconciliation(services: Given) -> dict[str, Any]:
    """Per endpoint, in rows: acknowledged = logged_ever + waiting + quarantined + unrecorded."""
    return {"endpoints": plain(reconcile(services.settings, services.store))}


@router.get("/{endpoint}/pins", **needs("read"))
def list_pins(endpoint: str, services: Given, verify: bool = False) -> dict[str, Any]:
    """Pinned versions of an endpoint's log, by name. `verify`: read every file, and say what is not what was pinned."""
    found = {"pins": plain(services.pins.list(endpoint))}
    return found | ({"faults": services.pins.faults(endpoint)} if verify else {})


@router.post("/{endpoint}/pins", status_code=201, **needs("operate"))
def pin(endpoint: str, new: NewPin, actor: Actor, services: Given) -> Any:
    """Pin everything that was acknowledged before the call; it then reads the same for ever."""
    check_name("endpoint", endpoint)
    check_name("pin", new.name)
    commit_what_waits(services.settings)
    return plain(services.pins.create(endpoint, new.name, actor))


@router.delete("/{endpoint}/pins/{name}", status_code=204, **needs("operate"))
def unpin(endpoint: str, name: str, actor: Actor, services: Given, force: bool = False) -> Response:
    """Let go of a pin. `force`: also if model versions were trained on it."""
    services.pins.delete(endpoint, name, actor, force=force)
    return Response(status_code=204)


@router.post("/{endpoint}/forget", **needs("admin"))
def forget(endpoint: str, asked: Unit, actor: Actor, services: Given) -> Any:
    """Delete a unit's rows, with their labels, scores and rewards, from the log, its history and its pins."""
    check_name("endpoint", endpoint)
    commit_what_waits(services.settings)
    return plain(services.eraser.erase(endpoint, asked.unit, actor))
