"""The report of a day, in one piece."""

import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from interlock.api.access import GuardedRoute, needs
from interlock.api.rendering import finite, plain
from interlock.api.services import Given

router = APIRouter(prefix="/endpoints/{endpoint}/report", tags=["monitoring"], route_class=GuardedRoute)


@router.get("", **needs("read"))
def report(
    endpoint: str,
    services: Given,
    date: Annotated[
        datetime.date | None, Query(description="a day in UTC; by default that of the newest event")
    ] = None,
) -> dict[str, Any]:
    """Traffic, errors, latency, drift, quality by class, incidents and releases of a day, from the labels of now."""
    day = date or services.reports.newest_day(endpoint)
    return dict(finite(plain(services.reports.of(endpoint, day))))
