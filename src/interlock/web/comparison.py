"""Two windows or versions of an endpoint beside each other. Which ones stands in the address."""

from datetime import UTC, date, datetime, time
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from interlock.api.access import needs
from interlock.api.services import Given
from interlock.domain.errors import InvalidInputError, NotFoundError
from interlock.monitoring.drift import LEAST_SEVERITY
from interlock.monitoring.side_by_side import Compared, Side
from interlock.web.access import PageRoute
from interlock.web.rendering import show

router = APIRouter(prefix="/monitoring/{endpoint}/compare", route_class=PageRoute, include_in_schema=False)

_COLUMNS = 40


class Asked(BaseModel):
    """What the address says. Days begin and end at midnight UTC, the last one included."""

    version: str = ""
    since: str = ""
    until: str = ""
    against_version: str = ""
    against_since: str = ""
    against_until: str = ""

    @property
    def other(self) -> Side:
        return Side(self.version.strip() or None, _day(self.since), _day(self.until, ends=True))

    @property
    def one(self) -> Side:
        since, until = _day(self.against_since), _day(self.against_until, ends=True)
        return Side(self.against_version.strip() or None, since, until)


@router.get("", **needs("read"))
def page(
    request: Request, endpoint: str, asked: Annotated[Asked, Query()], services: Given, every: bool = False
) -> Response:
    """The page."""
    fault, found, given = "", None, asked.model_dump()
    try:
        found = services.comparisons.compare(endpoint, asked.one, asked.other)
    except InvalidInputError as error:
        fault = str(error)
    except NotFoundError as error:
        if error.kind != "traffic":
            raise
        fault = "no request has come yet"
    with services.store.read() as tx:
        models = {plan.champion.partition(":")[0] for plan in (tx.plans.current(endpoint),)}
        versions = [each.ref for name in models for each in tx.models.list(name)]
    return show(
        request,
        "comparison.html",
        status=400 if fault and found is None and any(given.values()) else 200,
        endpoint=endpoint,
        asked=given,
        fault=fault,
        found=found,
        least=LEAST_SEVERITY,
        versions=versions[::-1],
        columns=_shown(found, every=every),
        hidden=0 if found is None or every else max(0, len(found.columns) - _COLUMNS),
    )


def _shown(found: Compared | None, *, every: bool) -> Any:
    if found is None:
        return ()
    return found.columns if every else found.columns[:_COLUMNS]


def _day(text: str, *, ends: bool = False) -> datetime | None:
    if not text.strip():
        return None
    try:
        day = date.fromisoformat(text.strip())
    except ValueError as error:
        raise InvalidInputError(f"day == {text[:20]!r}, must be like 2026-03-01") from error
    if not ends:
        return datetime.combine(day, time(), UTC)
    return datetime.combine(date.fromordinal(day.toordinal() + 1), time(), UTC)
