"""The report of a day as a page, to be read on a screen or printed."""

from datetime import date, timedelta

from fastapi import APIRouter, Request, Response

from interlock.api.access import needs
from interlock.api.services import Given
from interlock.web.access import PageRoute
from interlock.web.rendering import show

router = APIRouter(prefix="/endpoints/{endpoint}/report", route_class=PageRoute, include_in_schema=False)

_ORDER = ("breach", "error", "ok", "no_data")


@router.get("/{day}", **needs("read"))
def page(request: Request, endpoint: str, day: date, services: Given) -> Response:
    """The report of a day (UTC)."""
    report = services.reports.of(endpoint, day)
    checks = sorted(report.checks, key=lambda one: (_ORDER.index(one.outcome), -(one.value or 0.0)))
    return show(
        request,
        "report.html",
        report=report,
        checks=checks,
        highest=max(report.by_hour, default=0),
        before=_shifted(day, -1),
        after=_shifted(day, 1),
    )


@router.get("", **needs("read"))
def newest(request: Request, endpoint: str, services: Given) -> Response:
    """The report of the day of the newest event."""
    return page(request, endpoint, services.reports.newest_day(endpoint), services)


def _shifted(day: date, days: int) -> str | None:
    """A neighbouring day; None beyond the first and the last that there are."""
    try:
        return (day + timedelta(days=days)).isoformat()
    except OverflowError:
        return None
