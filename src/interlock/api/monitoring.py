"""What an endpoint's monitoring found: the report of a window, quality by month, stored verdicts."""

import re
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query

from interlock.api.access import GuardedRoute, needs
from interlock.api.rendering import finite, plain
from interlock.api.services import Given
from interlock.domain.errors import InvalidInputError

router = APIRouter(prefix="/endpoints/{endpoint}", tags=["monitoring"], route_class=GuardedRoute)

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}

Since = Annotated[datetime | None, Query(description="start of the window, ISO 8601 with a time zone")]
Until = Annotated[datetime | None, Query(description="end of the window, ISO 8601 with a time zone")]


@router.get("/monitor", **needs("read"))
def monitor(
    endpoint: str, services: Given, window: str = "24h", since: Since = None, until: Until = None
) -> dict[str, Any]:
    """Checks over a window of event time: the last `window` up to the newest event, or `since` to `until`."""
    since, until = aware("since", since), aware("until", until)
    if since is not None and until is not None and since >= until:
        raise InvalidInputError(f"since == {since.isoformat()}, must be before until == {until.isoformat()}")
    report = services.monitoring.report(endpoint, window=parse_window(window), since=since, until=until)
    return dict(finite(plain(report)))


@router.get("/rejections", **needs("read"))
def rejections(endpoint: str, services: Given, since: Since = None, until: Until = None) -> dict[str, Any]:
    """Requests that the contract refused: how many by hour, field and rule, and a few bodies. Default: the last day."""
    until = aware("until", until) or services.clock()
    since = aware("since", since) or until - timedelta(days=1)
    if since >= until:
        raise InvalidInputError(f"since == {since.isoformat()}, must be before until == {until.isoformat()}")
    return dict(finite(plain(services.monitoring.rejections(endpoint, since=since, until=until))))


@router.get("/quality", **needs("read"))
def quality(endpoint: str, services: Given) -> dict[str, Any]:
    """Quality from the labels there are now, by month of event and by version."""
    _check(services, endpoint)
    return {"endpoint": endpoint, "quality": finite(plain(services.monitoring.quality_by_month(endpoint)))}


@router.get("/drift", **needs("read"))
def drift(endpoint: str, services: Given) -> dict[str, Any]:
    """Drift of each column by month of event."""
    _check(services, endpoint)
    return {"endpoint": endpoint, "drift": finite(plain(services.monitoring.drift_by_month(endpoint)))}


@router.get("/verdicts", **needs("read"))
def verdicts(
    endpoint: str,
    services: Given,
    since: Since = None,
    until: Until = None,
    latest: Annotated[bool, Query(description="of each check of a window only what was said last")] = False,
) -> dict[str, Any]:
    """What was said of each closed window. Late labels revise it: `revision` counts, and all are kept."""
    with services.store.read() as tx:
        tx.endpoints.get(endpoint)
        found = tx.verdicts.list(endpoint, since=aware("since", since), until=aware("until", until))
    if latest:
        found = list({(one.window_start, one.check.version, one.check.name): one for one in found}.values())
    return {"verdicts": finite(plain(found))}


def _check(services: Given, endpoint: str) -> None:
    """An endpoint that is not there is not one with no data."""
    with services.store.read() as tx:
        tx.endpoints.get(endpoint)


def parse_window(text: str) -> timedelta:
    """Read a length of time.

    Raises:
        InvalidInputError: It is not a number with a unit.

    Examples:
        >>> parse_window("36h")
        datetime.timedelta(days=1, seconds=43200)
    """
    found = re.fullmatch(r"([0-9]{1,5})([mhdw])", text)
    if found is None or int(found[1]) == 0:
        raise InvalidInputError(f"window == {text!r}, must be a number with m, h, d or w, like 24h or 7d")
    return int(found[1]) * _UNITS[found[2]]


def aware(name: str, at: datetime | None) -> datetime | None:
    """Pass on a time that says its zone.

    Raises:
        InvalidInputError: It does not.
    """
    if at is not None and at.tzinfo is None:
        raise InvalidInputError(f"{name} == {at.isoformat()}, must have a time zone, like {at.isoformat()}Z")
    return at
