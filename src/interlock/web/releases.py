"""Releases: all of them, one with its road and its evidence, and what a person may do with it."""

from collections.abc import Iterable
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from interlock.api.access import check_endpoint, needs
from interlock.api.services import Given, Services
from interlock.domain.contract_diff import diff
from interlock.domain.evidence import StepCounts
from interlock.domain.release import TERMINAL, Gate, Release
from interlock.store.releases import Look
from interlock.web import charts
from interlock.web.access import Form, PageRoute, Present, Visitor
from interlock.web.rendering import show
from interlock.web.wording import percent

router = APIRouter(prefix="/releases", route_class=PageRoute, include_in_schema=False)

Verb = Literal["approve", "reject", "promote", "pause", "resume", "rollback"]

_TITLES = {
    "errors": ("errors", "failed requests, live traffic"),
    "scoring_errors": ("failures on the same rows", "both versions asked about every row"),
    "latency": ("latency {}", "live traffic of this step"),
    "quality": ("quality", "{} of both versions on the same labelled rows"),
    "effect": ("effect", "{} of units as they were assigned"),
    "guardrail": ("guardrail", "{} of units as they were assigned"),
    "earned": ("earned", "{}, weighted by propensity"),
    "errors_after": ("errors since promotion", "failed requests, against the champion before in its time"),
    "quality_after": ("quality since promotion", "{} of both versions on the same labelled rows"),
    "slice": ("quality by {}", "both versions on the same labelled rows, the worst slice"),
    "sample_ratio": ("sample ratio", "units of each arm against its share"),
}
_MEASURES = {"brier": "Brier score", "zero_one": "share of wrong answers", "absolute_error": "mean absolute error"}


@router.get("", **needs("read", limited_keys=True))
def page(request: Request, visitor: Present, services: Given) -> Response:
    """Every release, newest first."""
    with services.store.read() as tx:
        found = [each for each in reversed(tx.releases.list()) if visitor.may("read", each.endpoint)]
        served = [each.name for each in tx.endpoints.list() if visitor.may("read", each.name)]
    return show(request, "releases.html", releases=found, served=served)


@router.get("/{id}", **needs("read", limited_keys=True))
def release_page(request: Request, id: str, visitor: Present, services: Given) -> Response:
    """One release."""
    return show(request, "release.html", **_seen(services, id, visitor))


@router.get("/{id}/now", **needs("read", limited_keys=True))
def now(request: Request, id: str, visitor: Present, services: Given) -> Response:
    """What changes of it while somebody watches: all of it."""
    return show(request, "_release.html", **_seen(services, id, visitor))


@router.post("/{id}/{verb}", **needs("operate", limited_keys=True))
def act(id: str, verb: Verb, form: Form, visitor: Present, services: Given) -> Response:
    """Approve, reject, promote, pause, resume or roll back, with the reason that the form gives."""
    release = services.releases.get(id)
    check_endpoint(visitor.key, "approve" if verb in ("approve", "reject") else "operate", release.endpoint)
    reason = form.get("reason", "").strip()
    if verb == "rollback":
        services.releases.take_back(id, actor=visitor.key, reason=reason)
    else:
        getattr(services.releases, verb)(id, actor=visitor.key, reason=reason)
    return RedirectResponse(f"/releases/{id}", 303)


def verbs_of(services: Services, release: Release, visitor: Visitor) -> tuple[Verb, ...]:
    """What a visitor can do with a release as it stands. Nobody approves what they have started."""
    if release.state in TERMINAL:
        return ("rollback",) if services.releases.can_take_back(release) else ()
    if release.state in ("draft", "testing"):
        return ("rollback",)
    may_approve = visitor.may("approve", release.endpoint)
    is_other = not release.is_of(visitor.key.name, visitor.key.owner)
    if release.state == "awaiting_approval":
        return ("approve", "reject") if may_approve and is_other else ("reject",) if may_approve else ("rollback",)
    going_on: Verb = "pause" if release.state == "running" else "resume"
    may_promote = not release.lacks_approval or (may_approve and is_other)
    may_promote = may_promote and (release.winner is not None or len(release.remaining) == 1)
    return (going_on, "promote", "rollback") if may_promote else (going_on, "rollback")


def _seen(services: Services, id: str, visitor: Visitor) -> dict[str, Any]:
    with services.store.read() as tx:
        release = tx.releases.get(id)
        check_endpoint(visitor.key, "read", release.endpoint)
        looks, counts = tx.releases.looks(id), tx.gate_counts.list(id)
        entries = tx.audit.of_release(release.endpoint, id)
        differences = diff(tx.models.get(release.champion).contract, tx.models.get(release.candidate).contract)
    may_act = visitor.may("operate", release.endpoint)
    return {
        "release": release,
        "is_over": release.state in TERMINAL,
        "stations": charts.road(release),
        "shares": list(zip(release.candidates, release.shares, strict=False)),
        "gates": [_gate(gate, looks) for gate in _newest(release, looks)],
        "steps": _steps(release, counts),
        "entries": entries,
        "differences": differences,
        "tests": services.application_tests.list(release.candidate),
        "looks": looks,
        "replay": services.replays.latest(release.endpoint, release.candidate),
        "verbs": verbs_of(services, release, visitor) if may_act else (),
        "seconds": ((release.finished_at or services.clock()) - release.created_at).total_seconds(),
    }


def _newest(release: Release, looks: list[Look]) -> tuple[Gate, ...]:
    decided = release.gates or (looks[-1].gates if looks else ())
    since = release.watch.gates if release.watch is not None and release.state == "promoted" else ()
    return (*decided, *since)


def _gate(gate: Gate, looks: list[Look]) -> dict[str, Any]:
    kind, _, of = gate.metric.partition(".")
    title, measured = (words.format(_MEASURES.get(of, of)) for words in _TITLES.get(kind, (kind, "")))
    same = (gate.metric, gate.version)
    history = [
        (look.at, look.step, each) for look in looks for each in look.gates if (each.metric, each.version) == same
    ]
    return {
        "gate": gate,
        "title": title,
        "measured": measured,
        "interval": charts.interval(gate),
        "band": charts.band(history),
    }


def _steps(release: Release, counts: list[StepCounts]) -> list[dict[str, Any]]:
    """Counts by step; by version instead where arms are compared, which may have a step for every change of shares."""
    if release.compares_arms:
        champion = _sum(each for each in counts if not each.is_challenger)
        return [
            {"share": version, "champion": champion, "challenger": _sum(c for c in counts if c.version == version)}
            for version in release.candidates
            if counts
        ]
    sides: dict[tuple[int, bool], list[StepCounts]] = {}
    for each in counts:
        sides.setdefault((each.step, each.is_challenger), []).append(each)
    return [
        {
            "share": percent(share),
            "champion": _sum(sides.get((step, False))),
            "challenger": _sum(sides.get((step, True))),
        }
        for step, share in enumerate(release.plan.steps)
        if (step, False) in sides or (step, True) in sides
    ]


def _sum(counts: Iterable[StepCounts] | None) -> dict[str, int] | None:
    found = list(counts or ())
    if not found:
        return None
    return {name: sum(getattr(each, name) for each in found) for name in ("units", "failed_units")}
