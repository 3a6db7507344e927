"""The pages, added to the control port's application."""

import re
import socket

from fastapi import APIRouter, FastAPI, Response
from starlette.exceptions import HTTPException

from interlock.api.access import PUBLIC, needs
from interlock.api.services import Services
from interlock.domain.errors import NotFoundError
from interlock.web import (
    alerts,
    audit,
    comparison,
    endpoints,
    errors,
    features,
    keys,
    labelling,
    log,
    models,
    monitoring,
    overview,
    releases,
    reports,
    sign_in,
    system,
    trying,
)
from interlock.web.access import PageRoute, outside
from interlock.web.assets import asset
from interlock.web.compression import CompressedPages
from interlock.web.days import Days
from interlock.web.gateway_link import KEY_NAME, GatewayLink
from interlock.web.sessions import Sessions

_YEAR_SECONDS = 365 * 24 * 3600

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/static/{name}", **needs(PUBLIC))
def static(name: str) -> Response:
    """A file of the pages. Its address changes with its content, so browsers may keep it."""
    found = asset(name)
    if found is None:
        raise NotFoundError("file", name)
    content, media_type = found
    headers = {"Cache-Control": f"public, max-age={_YEAR_SECONDS}, immutable"}
    return Response(content, media_type=media_type, headers=headers)


ROUTERS = (
    router,
    *(
        pages.router
        for pages in (
            sign_in,
            overview,
            endpoints,
            reports,
            trying,
            errors,
            labelling,
            features,
            releases,
            comparison,
            monitoring,
            alerts,
            models,
            log,
            audit,
            system,
            keys,
        )
    ),
)


def add_pages(app: FastAPI) -> None:
    """Join the pages to the API's application, whose services they read. What is not there is a page too."""
    services: Services = app.state.services
    app.state.sessions, app.state.days = Sessions(services.clock), Days()
    app.state.gateway_link = GatewayLink(
        services.settings, services.key_ring, services.clock, key_name=_key_name(services)
    )
    app.add_middleware(CompressedPages)
    for pages in ROUTERS:
        app.include_router(pages)
    app.add_exception_handler(HTTPException, outside)


def _key_name(services: Services) -> str:
    """Of the pages' own key: servers that share a store must not revoke each other's."""
    if services.store.kind == "sqlite":
        return KEY_NAME
    return re.sub(r"[^a-z0-9.-]", "-", f"{KEY_NAME}-{socket.gethostname().lower()}")[:128]
