"""The prediction log over the network: SQL, and whether its sums are right."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from interlock.api.access import GuardedRoute, needs
from interlock.api.rendering import PlainResponse, plain
from interlock.api.services import Given
from interlock.domain.errors import OverloadedError
from interlock.predictions import flush
from interlock.predictions.reconcile import reconcile
from interlock.predictions.sql import query
from interlock.settings import Settings

router = APIRouter(prefix="/log", tags=["log"], route_class=GuardedRoute)

_FRESH_SECONDS = 15.0


class Question(BaseModel, extra="forbid"):
    """A query in DuckDB's SQL. `fresh`: first commit what waits in the spool."""

    sql: str = Field(max_length=100_000)
    row_limit: int | None = Field(None, ge=1)
    fresh: bool = True


class Patience(BaseModel, extra="forbid"):
    """How long to wait."""

    timeout_seconds: float = Field(_FRESH_SECONDS, gt=0, le=300)


@router.post("/sql", **needs("read"))
def sql(question: Question, services: Given) -> PlainResponse:
    """Ask the log. An endpoint's name is a table; `labels_E` are its labels, `E_labelled` both joined."""
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
