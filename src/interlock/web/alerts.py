"""Alerts: what is wrong now and what was, one incident with its history and who was told; acknowledge and silence."""

from datetime import timedelta

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from interlock.api.access import check_endpoint, needs
from interlock.api.services import Given
from interlock.domain.errors import InvalidInputError
from interlock.monitoring.alerts import Wanted
from interlock.web.access import Form, PageRoute, Present
from interlock.web.rendering import show

router = APIRouter(prefix="/alerts", route_class=PageRoute, include_in_schema=False)

_ALERTS_A_PAGE = 100
_LONGEST_HOURS = 24 * 90


@router.get("", **needs("read", limited_keys=True))
def page(request: Request, visitor: Present, services: Given, state: Wanted = "open", endpoint: str = "") -> Response:
    """The newest incidents: open ones, unless others are asked for."""
    endpoint = endpoint.strip()
    found = services.alerts.list(endpoint or None, state=state, limit=_ALERTS_A_PAGE, among=visitor.key.endpoints)
    with services.store.read() as tx:
        endpoints = [each.name for each in tx.endpoints.list() if visitor.may("operate", each.name)]
    now = services.clock()
    silences = [
        each
        for each in services.alerts.silences()
        if each.until > now and (visitor.may("read", each.endpoint) or not each.endpoint)
    ]
    return show(
        request,
        "alerts.html",
        alerts=[each for each in found if visitor.may("read", each.endpoint)],
        wanted=state,
        endpoint=endpoint,
        endpoints=endpoints,
        silences=silences,
        may_silence_all=visitor.may("operate") and not visitor.key.endpoints,
    )


@router.post("/silences", **needs("operate", limited_keys=True))
def silence(form: Form, visitor: Present, services: Given) -> Response:
    """Tell nobody of an endpoint's incidents for some hours."""
    endpoint, hours = form.get("endpoint", "").strip(), _hours(form.get("hours", ""))
    check_endpoint(visitor.key, "operate", endpoint)
    until = services.clock() + timedelta(hours=hours)
    services.alerts.silence(endpoint, until=until, actor=visitor.key, reason=form.get("reason", "").strip())
    return RedirectResponse("/alerts", 303)


@router.get("/{number}", **needs("read", limited_keys=True))
def alert_page(request: Request, number: int, visitor: Present, services: Given) -> Response:
    """One incident."""
    alert = services.alerts.get(number)
    check_endpoint(visitor.key, "read", alert.endpoint)
    seen = services.alerts.show(number)
    may_act = visitor.may("operate", alert.endpoint) and alert.state == "firing"
    told = {"events": seen["events"][::-1], "deliveries": seen["deliveries"]}
    return show(request, "alert.html", alert=alert, may_act=may_act, **told)


@router.post("/{number}/ack", **needs("operate", limited_keys=True))
def acknowledge(number: int, form: Form, visitor: Present, services: Given) -> Response:
    """Take an incident on, with the reason that the form gives."""
    alert = services.alerts.get(number)
    check_endpoint(visitor.key, "operate", alert.endpoint)
    services.alerts.acknowledge(number, actor=visitor.key, reason=form.get("reason", "").strip())
    return RedirectResponse(f"/alerts/{number}", 303)


def _hours(given: str) -> float:
    try:
        hours = float(given)
    except ValueError:
        hours = 0.0
    if not 0 < hours <= _LONGEST_HOURS:
        raise InvalidInputError(f"hours == {given[:20]!r}, must be a number over 0 and at most {_LONGEST_HOURS}")
    return hours
