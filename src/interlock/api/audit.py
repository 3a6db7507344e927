"""The audit log: who did what, when, why; and whether its chain of hashes holds."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from interlock.api.access import GuardedRoute, needs
from interlock.api.rendering import finite, plain
from interlock.api.services import Given

router = APIRouter(prefix="/audit", tags=["audit"], route_class=GuardedRoute)


@router.get("", **needs("read"))
def list_entries(
    services: Given, limit: Annotated[int, Query(ge=1, le=10_000)] = 100, subject: str | None = None
) -> dict[str, Any]:
    """The newest entries, newest first, of all subjects or of one."""
    with services.store.read() as tx:
        return {"entries": finite(plain(tx.audit.list(limit=limit, subject=subject)))}


@router.get("/verify", **needs("read"))
def verify(services: Given) -> dict[str, Any]:
    """Compute every hash anew."""
    with services.store.read() as tx:
        return dict(plain(tx.audit.verify()))
