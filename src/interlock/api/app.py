"""The control plane as an ASGI application."""

from importlib.metadata import version

from fastapi import APIRouter, FastAPI

from interlock.api import (
    alert_rules,
    alerts,
    annotations,
    application_tests,
    audit,
    channels,
    comparison,
    config,
    devices,
    docs,
    endpoints,
    errors,
    held_out,
    keys,
    labels,
    log,
    log_rows,
    maintenance,
    metrics,
    models,
    monitoring,
    online_learning,
    problems,
    releases,
    replays,
    reports,
    retraining,
    runs,
    silences,
    status,
    uploads,
)
from interlock.api.access import GuardedRoute
from interlock.api.edge import Edge
from interlock.api.services import Services

PREFIX = "/api/v1"


def create_app(services: Services) -> FastAPI:
    """Join the routes. FastAPI's own docs pages are left out: they load scripts from elsewhere."""
    app = FastAPI(title="Interlock", version=version("interlock"), openapi_url=None, docs_url=None, redoc_url=None)
    app.state.services = services
    app.state.key_ring = services.key_ring
    app.state.no_auth = services.settings.no_auth
    api = APIRouter(prefix=PREFIX, route_class=GuardedRoute)
    for nouns in (
        models, application_tests, endpoints, retraining, online_learning, monitoring, labels, log_rows, releases,
        replays, runs, alerts, alert_rules, silences, channels, log, audit, keys, status, uploads, config, annotations,
        reports, errors, comparison, held_out, devices, maintenance,
    ):  # fmt: skip
        api.include_router(nouns.router)
    app.include_router(api)
    app.include_router(docs.router)
    app.include_router(metrics.router)
    problems.install(app)
    app.add_middleware(Edge, hosts=(services.settings.host, *services.settings.allowed_hosts))
    return app
