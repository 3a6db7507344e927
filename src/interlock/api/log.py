"""The prediction log over the network: SQL, and whether its sums are right."""

import os
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from starlette.background import BackgroundTask

from interlock.api.access import GuardedRoute, needs
from interlock.api.logged import FRESH_SECONDS, commit_what_waits
from interlock.api.rendering import plain
from interlock.api.services import Given
from interlock.predictions.reconcile import reconcile
from interlock.predictions.sql import answer

router = APIRouter(prefix="/log", tags=["log"], route_class=GuardedRoute)

_CHUNK = 256 * 1024


class Question(BaseModel, extra="forbid"):
    """A query in DuckDB's SQL. `fresh`: first commit what waits in the spool."""

    sql: str = Field(max_length=100_000)
    row_limit: int | None = Field(None, ge=1)
    fresh: bool = True


class Patience(BaseModel, extra="forbid"):
    """How long to wait."""

    timeout_seconds: float = Field(FRESH_SECONDS, gt=0, le=300)


@router.post("/sql", **needs("read"))
def sql(question: Question, services: Given) -> Response:
    """Ask the log: an endpoint's name is a table; `labels_E`, `decisions_E` and `rewards_E` are what was said of it;
    `E_joined` is all of it in one."""
    if question.fresh:
        commit_what_waits(services.settings)
    endpoints = [each["name"] for each in services.endpoints.list()]
    document = answer(services.settings.log, question.sql, row_limit=question.row_limit, endpoints=endpoints)
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
