"""Rows of an endpoint's log over the network, as an Arrow stream."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from starlette.concurrency import run_in_threadpool

from interlock.api.access import GuardedRoute, needs
from interlock.api.logged import check_logged, commit_what_waits
from interlock.api.monitoring import Since, Until, aware
from interlock.api.services import Given
from interlock.api.streaming import stream
from interlock.predictions.streams import Selection

router = APIRouter(prefix="/endpoints/{endpoint}/log", tags=["log"], route_class=GuardedRoute)


@router.get("", **needs("read"))
async def rows(
    endpoint: str,
    services: Given,
    since: Since = None,
    until: Until = None,
    versions: Annotated[list[str], Query(description="NAME:VERSION, or the number alone")] = [],  # noqa: B006
    columns: Annotated[list[str], Query(description="in this order; by default all")] = [],  # noqa: B006
    joined: Annotated[bool, Query(description="with label, decision and rewards")] = False,
    fresh: bool = True,
) -> Response:
    """Predictions as an Arrow IPC stream, in no particular order. The range of time is of `event_at`."""
    selection = Selection(
        endpoint=endpoint,
        since=aware("since", since),
        until=aware("until", until),
        versions=tuple(versions),
        columns=tuple(columns),
        joined=joined,
    )
    await run_in_threadpool(check_logged, services, endpoint)
    if fresh:
        await run_in_threadpool(commit_what_waits, services.settings)
    return await stream(services.settings.log, selection)
