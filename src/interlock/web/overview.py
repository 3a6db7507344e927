"""The overview: every endpoint at a glance. With an empty home, what to do first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from interlock.api.access import needs
from interlock.api.services import Given, Services
from interlock.api.serving import ALIVE
from interlock.domain.endpoint import Endpoint
from interlock.domain.release import Release
from interlock.domain.traffic import TrafficPlan
from interlock.domain.verdict import Check
from interlock.monitoring.recent import Recent
from interlock.web import charts, news, states
from interlock.web.access import PageRoute, Present, Visitor
from interlock.web.last_visit import COOKIE, LIFETIME, next_visit, this_visit
from interlock.web.rendering import show
from interlock.web.states import State

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_LAST_ENTRIES = 8


@dataclass(frozen=True, slots=True)
class Row:
    """What the overview says of one endpoint."""

    endpoint: Endpoint
    plan: TrafficPlan
    recent: Recent
    release: Release | None

    @property
    def state(self) -> State:
        return states.endpoint(self.recent.verdicts)

    @property
    def spark(self) -> str:
        return charts.spark(self.recent.by_hour(), width=120, height=28)

    @property
    def reasons(self) -> list[str]:
        """Why it is not fine, in the words of its verdicts."""
        said = [one.check for one in self.recent.verdicts if one.check.outcome in ("breach", "error")]
        return [_reason(one) for one in said]


def _reason(check: Check) -> str:
    name, reason = check.name.removeprefix("drift."), str(check.details.get("reason") or check.outcome)
    return reason if reason.startswith(name) else f"{name}: {reason}"


@router.get("/", **needs("read", limited_keys=True))
def overview(request: Request, visitor: Present, services: Given) -> Response:
    """The page, with what changed since the visit before."""
    visit = next_visit(request.cookies.get(COOKIE, ""), services.clock())
    answer = show(request, "overview.html", **_seen(request, visitor, services, visit.since))
    is_secure = request.url.scheme == "https"
    seconds = round(LIFETIME.total_seconds())
    answer.set_cookie(COOKIE, visit.cookie(), max_age=seconds, httponly=True, samesite="strict", secure=is_secure)
    return answer


@router.get("/now", **needs("read", limited_keys=True))
def now(request: Request, visitor: Present, services: Given) -> Response:
    """What changes of it while somebody watches. To watch is no new visit."""
    since = this_visit(request.cookies.get(COOKIE, ""), services.clock()).since
    return show(request, "_overview.html", **_seen(request, visitor, services, since))


def _seen(request: Request, visitor: Visitor, services: Services, since: datetime | None) -> dict[str, Any]:
    with services.store.read() as tx:
        plans = {plan.endpoint: plan for plan in tx.plans.all_current()}
        running = {release.endpoint: release for release in tx.releases.active()}
        rows = [
            Row(each, plans[each.name], services.recent.read(tx, each.name), running.get(each.name))
            for each in tx.endpoints.list()
            if visitor.may("read", each.name)
        ]
        entries = [] if visitor.key.endpoints else tx.audit.list(limit=_LAST_ENTRIES)
        models = [] if rows or visitor.key.endpoints else tx.models.list()
        alerts = [each for each in tx.alerts.open() if visitor.may("read", each.endpoint)]
        gateways = tx.gateways.live(services.clock() - ALIVE)
        found, more = news.since(tx, visitor, since) if since else ([], 0)
    rank = {"breach": 0, "watch": 1, "unknown": 2, "ok": 3}
    rows.sort(key=lambda row: (rank[row.state.kind], row.endpoint.name))
    return {
        "visited_at": since,
        "news": found,
        "more_news": more,
        "rows": rows,
        "headline": states.headline([(row.endpoint.name, row.state) for row in rows], is_served=bool(gateways)),
        "entries": entries,
        "alerts": alerts,
        "models": models,
        "gateways": gateways,
        "home_url": str(request.base_url).rstrip("/"),
    }
