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
from interlock.web.fields import hint_of, kind_of, values_of
from interlock.web.wording import FILTERS

NAVIGATION = (
    ("/", "Overview", "read"),
    ("/releases", "Releases", "read"),
    ("/monitoring", "Monitoring", "read"),
    ("/alerts", "Alerts", "read"),
    ("/models", "Models", "read"),
    ("/log", "Log", "read"),
    ("/audit", "Audit", "read"),
    ("/system", "System", "read"),
    ("/keys", "Keys", "admin"),
)
"""The same on every page, also with an empty home: address, word, and what a visitor must be allowed to see it."""


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
    environment.globals.update(asset=asset_url, states=states, kind_of=kind_of, values_of=values_of, hint_of=hint_of)
    return environment


def fragment(template: str, **values: Any) -> Markup:
    """A part of a page that is the same for every visitor."""
    return Markup(_environment().get_template(template).render(values))  # noqa: S704 (its values are escaped)


def show(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Answer with a page, or with a fragment of one."""
    visitor = request.state.visitor
    given = {
        "visitor": visitor,
        "path": request.url.path,
        "no_auth": request.app.state.no_auth,
        "navigation": [
            (where, word) for where, word, to in NAVIGATION if to == "read" or (visitor and visitor.may(to))
        ],
        **values,
    }
    return HTMLResponse(_environment().get_template(template).render(given), status)
