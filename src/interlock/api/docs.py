"""The docs page: every route as the OpenAPI document has it, on one plain page that loads nothing from elsewhere."""

from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from interlock.api.access import PUBLIC, GuardedRoute, needs

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
body { color: #1a1a1a; background: #fff }
h2 { margin: 2rem 0 .5rem; text-transform: capitalize } dt { font-family: ui-monospace, monospace; margin-top: .75rem }
dd { margin: 0 0 0 1.5rem; color: #444 } b { display: inline-block; min-width: 4.5rem } small { color: #666 }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #181818 } dd, small { color: #aaa } }
@media (prefers-color-scheme: dark) { a { color: #8bf } }
"""


@router.get("/api/v1/openapi.json", **needs(PUBLIC))
async def openapi(request: Request) -> dict[str, Any]:
    """The OpenAPI document."""
    return dict(request.app.openapi())


@router.get("/api/v1/docs", **needs(PUBLIC))
async def docs(request: Request) -> HTMLResponse:
    """The page."""
    document = request.app.openapi()
    headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"}
    return HTMLResponse(_page(document), headers=headers)


def _page(document: dict[str, Any]) -> str:
    groups: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(operation["tags"][0], []).append(_entry(method, path, operation))
    sections = "".join(f"<h2>{escape(tag)}</h2><dl>{''.join(entries)}</dl>" for tag, entries in groups.items())
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Interlock API</title>'
        f"<style>{_STYLE}</style><h1>Interlock API</h1><p>Send the key as <code>Authorization: Bearer KEY</code>. "
        'Every detail is in the <a href="/api/v1/openapi.json">OpenAPI document</a>. Errors are problem documents '
        f"(RFC 9457).</p>{sections}</html>"
    )


def _entry(method: str, path: str, operation: dict[str, Any]) -> str:
    permission = escape(str(operation.get("x-interlock-permission", "")))
    described = escape(operation.get("description", ""))
    return f"<dt><b>{method.upper()}</b> {escape(path)}</dt><dd>{described} <small>({permission})</small></dd>"
