"""Models: every version, and what is known of one."""

from typing import Any

from fastapi import APIRouter, Request, Response

from interlock.api.access import needs
from interlock.api.models import detail
from interlock.api.services import Given
from interlock.domain.contract_diff import diff
from interlock.domain.names import version_ref
from interlock.web.access import PageRoute
from interlock.web.rendering import show

router = APIRouter(prefix="/models", route_class=PageRoute, include_in_schema=False)


@router.get("", **needs("read"))
def page(request: Request, services: Given) -> Response:
    """Every version, newest first within its model."""
    with services.store.read() as tx:
        versions, plans = tx.models.list(), tx.plans.all_current()
    serving: dict[str, list[str]] = {}
    for plan in plans:
        for ref in plan.shares:
            serving.setdefault(ref, []).append(plan.endpoint)
    names = sorted({version.name for version in versions})
    groups = [(name, [each for each in reversed(versions) if each.name == name]) for name in names]
    return show(request, "models.html", groups=groups, serving=serving)


@router.get("/{name}/{version}", **needs("read"))
def version_page(request: Request, name: str, version: int, services: Given) -> Response:
    """One version: what it takes and gives, where it runs, how its twin was proven, what a person should know."""
    found = services.registry.get(version_ref(name, version))
    others = [each for each in services.registry.list(name) if each.version != version]
    before = next((each for each in reversed(others) if each.version < version), None)
    facts: dict[str, Any] = detail(found)
    return show(
        request,
        "version.html",
        version=found,
        load_warnings=facts["load_warnings"],
        tests=services.application_tests.list(found.ref),
        has_profile=facts["has_profile"],
        before=before,
        differences=diff(before.contract, found.contract) if before else (),
        others=others,
        ancestry=services.lineage.of(found.ref),
        sizes=services.registry.sizes(found),
    )
