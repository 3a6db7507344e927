"""An endpoint's page: who serves what, how it went, what it takes and gives, and how to call it."""

from typing import Any

from fastapi import APIRouter, Request, Response

from interlock.api.access import needs
from interlock.api.services import Given, Services
from interlock.api.status import gateway_url
from interlock.web import charts, states, traffic_charts, trying
from interlock.web.access import PageRoute, Present
from interlock.web.rendering import show
from interlock.web.snippets import curl, python, triton

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/endpoints/{endpoint}", **needs("read"))
def page(request: Request, endpoint: str, visitor: Present, services: Given) -> Response:
    """The page."""
    may_try = visitor.may("predict", endpoint)
    form = {**trying.form_of(services, endpoint), "tried": []} if may_try else {}
    seen, snippets = _seen(services, endpoint), _snippets(request, services, endpoint)
    return show(request, "endpoint.html", may_try=may_try, **seen, **snippets, **form)


@router.get("/endpoints/{endpoint}/now", **needs("read"))
def now(request: Request, endpoint: str, services: Given) -> Response:
    """What changes of it while somebody watches."""
    return show(request, "_endpoint.html", **_seen(services, endpoint))


def _seen(services: Services, name: str) -> dict[str, Any]:
    with services.store.read() as tx:
        endpoint, plan = tx.endpoints.get(name), tx.plans.current(name)
        found = services.recent.read(tx, name)
        releases = tx.releases.list(name)[::-1]
        champion = tx.models.get(plan.champion)
    return {
        "endpoint": endpoint,
        "plan": plan,
        "champion": champion,
        "shares": [
            (ref, "champion" if ref == plan.champion else "challenger", share) for ref, share in plan.shares.items()
        ],
        "recent": found,
        "state_now": states.endpoint(found.verdicts),
        "bars": charts.bars(found.by_hour(), width=720, height=120, champion=plan.champion),
        "latency": traffic_charts.latency(found.hours, found.since, found.until, width=720, height=110),
        "marks": traffic_charts.marks(releases, found.since, found.until, width=720),
        "releases": releases,
    }


def _snippets(request: Request, services: Services, endpoint: str) -> dict[str, Any]:
    with services.store.read() as tx:
        contract = tx.models.get(tx.plans.current(endpoint).champion).contract
    return {
        "curl": curl(gateway_url(request, services), endpoint, contract),
        "triton": triton(gateway_url(request, services), endpoint, contract),
        "python": python(str(request.base_url).rstrip("/"), endpoint, contract),
    }
