"""The prediction log over the network: SQL, pins, deletion of a unit, and whether its sums are right."""

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from interlock.api.access import Actor, GuardedRoute, needs
from interlock.api.rendering import PlainResponse, plain
from interlock.api.services import Given
from interlock.domain.errors import OverloadedError
from interlock.domain.names import check_name
from interlock.domain.pin import split_pin
from interlock.predictions import flush
from interlock.predictions.reconcile import reconcile
from interlock.predictions.sql import query
from interlock.settings import Settings

router = APIRouter(prefix="/log", tags=["log"], route_class=GuardedRoute)

_FRESH_SECONDS = 15.0


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

    timeout_seconds: float = Field(_FRESH_SECONDS, gt=0, le=300)


@router.post("/sql", **needs("read"))
def sql(question: Question, services: Given) -> PlainResponse:
    """Ask the log. An endpoint's name is a table; `labels_E` are its labels, `E_labelled` both joined."""
    if question.pin is not None:
        root = services.pins.root(*split_pin(question.pin))
        return PlainResponse({"rows": query(root, question.sql, row_limit=question.row_limit)})
    if question.fresh:
        _commit_what_waits(services.settings, _FRESH_SECONDS)
    endpoints = [each["name"] for each in services.endpoints.list()]
    rows = query(services.settings.log, question.sql, row_limit=question.row_limit, endpoints=endpoints)
    return PlainResponse({"rows": rows})


@router.post("/commit", **needs("read"))
def commit(patience: Patience, services: Given) -> dict[str, bool]:
    """Answer when the log holds everything that was acknowledged before the call."""
    _commit_what_waits(services.settings, patience.timeout_seconds)
    return {"committed": True}


def _commit_what_waits(settings: Settings, timeout_seconds: float) -> None:
    if not flush.request(settings.spools, timeout_seconds=timeout_seconds):
        raise OverloadedError(
            f"the log is more than {timeout_seconds:g} s behind; see `interlock doctor`, or ask without `fresh`",
            retry_after_seconds=5.0,
        )


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
    _commit_what_waits(services.settings, _FRESH_SECONDS)
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
    _commit_what_waits(services.settings, _FRESH_SECONDS)
    return plain(services.eraser.erase(endpoint, asked.unit, actor))
