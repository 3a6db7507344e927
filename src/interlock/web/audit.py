"""The audit log: who did what, when and why, and whether its chain of hashes holds."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from interlock.api.access import needs
from interlock.api.services import Given
from interlock.web.access import PageRoute
from interlock.web.rendering import show

router = APIRouter(prefix="/audit", route_class=PageRoute, include_in_schema=False)

_ENTRIES_A_PAGE = 50


@router.get("", **needs("read"))
def page(
    request: Request,
    services: Given,
    subject: str = "",
    n: Annotated[int, Query(ge=1, le=10_000)] = _ENTRIES_A_PAGE,
    verify: bool = False,
) -> Response:
    """The newest `n` entries, of all subjects or of one. `verify`: compute every hash anew."""
    with services.store.read() as tx:
        entries = tx.audit.list(n + 1, subject=subject.strip() or None)
        verified = tx.audit.verify() if verify else None
    return show(
        request,
        "audit.html",
        entries=entries[:n],
        subject=subject.strip(),
        more=n + _ENTRIES_A_PAGE if len(entries) > n else None,
        verified=verified,
    )
