"""Templates to answers. Every value is escaped; a name that a template misspells is an error and not an empty place."""

from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from interlock.web import states
from interlock.web.assets import asset_url
from interlock.web.fields import kind_of, values_of
from interlock.web.wording import FILTERS

NAVIGATION = (
    ("/", "Overview"),
    ("/releases", "Releases"),
    ("/monitoring", "Monitoring"),
    ("/alerts", "Alerts"),
    ("/models", "Models"),
    ("/log", "Log"),
    ("/audit", "Audit"),
)
"""The same on every page, also with an empty home."""


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    environment.globals.update(
        navigation=NAVIGATION, asset=asset_url, states=states, kind_of=kind_of, values_of=values_of
    )
    return environment


def fragment(template: str, **values: Any) -> Markup:
    """A part of a page that is the same for every visitor."""
    return Markup(_environment().get_template(template).render(values))  # noqa: S704 (its values are escaped)


def show(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Answer with a page, or with a fragment of one."""
    given = {"visitor": request.state.visitor, "path": request.url.path, "no_auth": request.app.state.no_auth, **values}
    return HTMLResponse(_environment().get_template(template).render(given), status)
