"""Access keys: who has which, making one, which is shown once, and revoking one. For administrators."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from interlock.api.access import needs
from interlock.api.problems import status_of
from interlock.api.services import Given, Services
from interlock.domain.access import ROLES, Role
from interlock.domain.errors import ConflictError, InvalidInputError
from interlock.web.access import Form, PageRoute, Present
from interlock.web.rendering import show

router = APIRouter(prefix="/keys", route_class=PageRoute, include_in_schema=False)

_DUTIES: dict[Role, str] = {
    "scorer": "asks endpoints and tells labels; cannot sign in here",
    "viewer": "looks at everything, changes nothing",
    "operator": "also asks endpoints, and starts, pauses, promotes and rolls back releases",
    "approver": "also approves and rejects what somebody else has started",
    "admin": "also makes and revokes keys",
}


@router.get("", **needs("admin"))
def page(request: Request, services: Given) -> Response:
    """All keys; never the keys themselves."""
    return show(request, "keys.html", **_seen(services))


@router.post("", **needs("admin"))
def create(request: Request, form: Form, visitor: Present, services: Given) -> Response:
    """Make a key, and show it: this page is the only place where it is ever seen."""
    given = {name: form.get(name, "").strip() for name in ("name", "role", "owner", "endpoints", "allow")}
    try:
        key, secret = services.key_ring.create(
            given["name"],
            given["role"],
            actor=visitor.key,
            owner=given["owner"],
            endpoints=_listed(given["endpoints"]),
            allow=_listed(given["allow"]),
        )
    except (InvalidInputError, ConflictError) as error:
        seen = {**_seen(services), "given": given, "fault": str(error)}
        return show(request, "keys.html", status=status_of(error), **seen)
    return show(request, "keys.html", status=201, **{**_seen(services), "made": key, "secret": secret})


@router.post("/{name}/revoke", **needs("admin"))
def revoke(name: str, visitor: Present, services: Given) -> Response:
    """Make a key worthless. Its sessions end with it."""
    services.key_ring.revoke(name, actor=visitor.key)
    return RedirectResponse("/keys", 303)


def _seen(services: Services) -> dict[str, Any]:
    keys = services.key_ring.list()[::-1]
    with services.store.read() as tx:
        endpoints = [each.name for each in tx.endpoints.list()]
    return {
        "live": [each for each in keys if each.revoked_at is None],
        "revoked": [each for each in keys if each.revoked_at is not None],
        "roles": [(role, _DUTIES[role]) for role in ROLES],
        "endpoints": endpoints,
        "given": {"name": "", "role": "viewer", "owner": "", "endpoints": "", "allow": ""},
        "fault": "",
        "made": None,
        "secret": "",
    }


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
