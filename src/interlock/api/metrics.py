"""`GET /metrics` of the control port, for Prometheus: any key that may read all endpoints."""

from fastapi import APIRouter, Response

from interlock.api.access import GuardedRoute, needs
from interlock.api.services import Given

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)


@router.get("/metrics", **needs("read"))
def metrics(services: Given) -> Response:
    """What the control plane knows, and what this machine uses."""
    return Response(services.metrics.page(), media_type="text/plain; version=0.0.4; charset=utf-8")
