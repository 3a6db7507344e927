"""Who looks at a page, and whether they may: by the session's cookie, where the API asks for a key.

Every page's route is a `PageRoute`. It asks the same permissions as the API's routes, refuses forms that do not carry
the session's token, leads those who are not signed in to the sign-in page, shows errors as pages, and sends the headers
that keep a page to itself.
"""

import hmac
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from interlock.api.access import NOBODY, GuardedRoute
from interlock.api.problems import http, status_of
from interlock.domain.access import Key
from interlock.domain.errors import ForbiddenError, InterlockError, UnauthenticatedError
from interlock.web.rendering import show
from interlock.web.sessions import Sessions

COOKIE = "interlock_session"
TOKEN = "csrf"  # noqa: S105 (the name of a form's field)

# Nothing from elsewhere, no script or style inside a page, no frame around it.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not `no-referrer`: forms would then be sent with `Origin: null`, which `Edge` takes for another site.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

# What a form of a model with many inputs has; the body as a whole is bounded before.
_MOST_FILES, _MOST_FIELDS = 64, 5_000

# With `--no-auth` there is no session to hold a token.
_TOKEN_WITHOUT_SESSION = secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at a page: the key they signed in with, and the token that their forms carry."""

    key: Key
    csrf: str

    def may(self, permission: str, endpoint: str | None = None) -> bool:
        """As `Key.may`."""
        return self.key.may(permission, endpoint)


class PageRoute(GuardedRoute):
    """A route that answers with a page."""

    def caller(self, request: Request) -> Key:
        """Who is signed in. A form without the session's token is nobody's."""
        visitor = _visitor(request)
        request.state.visitor = visitor
        if request.method == "POST" and not is_same(request.state.form.get(TOKEN, ""), visitor.csrf):
            raise ForbiddenError("the form is not from this session; reload the page and try again")
        return visitor.key

    def broken(self, request: Request, answer_id: str) -> Response:
        """A page for who looked."""
        said = f"An error inside Interlock. Its log has more under {answer_id}."
        return show(request, "error.html", status=500, code=500, said=said)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def shown(request: Request) -> Response:
            request.state.visitor = None
            try:
                request.state.form = await _read_form(request)
                response = await handle(request)
            except UnauthenticatedError:
                response = to_sign_in(request)
            except (InterlockError, HTTPException, RequestValidationError) as error:
                response = explain(request, error)
            return keep_private(response)

        return shown


def keep_private(response: Response) -> Response:
    """The same answer with the headers of every page. One at a time: an answer may set more than one cookie."""
    for name, value in {"Cache-Control": "no-store", **HEADERS}.items():
        response.headers.setdefault(name, value)
    return response


def is_same(given: str, expected: str) -> bool:
    """Whether a form carries the right token, in a time that tells nothing; an empty one is never right."""
    return bool(expected) and hmac.compare_digest(given.encode(), expected.encode())


async def _read_form(request: Request) -> dict[str, str]:
    request.state.files = {}
    if request.method != "POST":
        return {}
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await _read_parts(request)
    body = (await request.body()).decode("utf-8", "replace")
    return dict(parse_qsl(body, keep_blank_values=True))


async def _read_parts(request: Request) -> dict[str, str]:
    """A form with files. Those of a stranger are not read."""
    await run_in_threadpool(_visitor, request)
    texts: dict[str, str] = {}
    async with request.form(max_files=_MOST_FILES, max_fields=_MOST_FIELDS) as parts:
        for name, part in parts.multi_items():
            if isinstance(part, str):
                texts[name] = part
            elif part.size:
                request.state.files[name] = await part.read()
    return texts


def _visitor(request: Request) -> Visitor:
    if request.app.state.no_auth:
        return Visitor(NOBODY, _TOKEN_WITHOUT_SESSION)
    sessions: Sessions = request.app.state.sessions
    session = sessions.find(request.cookies.get(COOKIE, ""))
    if session is None:
        raise UnauthenticatedError("not signed in, or no longer")
    return Visitor(request.app.state.key_ring.find(session.key_digest), session.csrf)


def to_sign_in(request: Request) -> Response:
    """The way to the sign-in page, and back to this one afterwards."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    back = f"?next={quote(wanted, safe='/')}" if request.method == "GET" and wanted != "/" else ""
    return RedirectResponse(f"/sign-in{back}", 303)


async def outside(request: Request, error: Exception) -> Response:
    """An error before any route was found: a page for a reader, a problem document for a program."""
    is_reader = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/")
    if not is_reader or not isinstance(error, HTTPException):
        return await http(request, error)
    request.state.visitor = await run_in_threadpool(_visitor_if_any, request)
    return keep_private(explain(request, error))


def _visitor_if_any(request: Request) -> Visitor | None:
    try:
        return _visitor(request)
    except InterlockError:
        return None


def explain(request: Request, error: InterlockError | HTTPException | RequestValidationError) -> Response:
    """An error as a page that says what to do."""
    if isinstance(error, InterlockError):
        status, said = status_of(error), str(error)
    elif isinstance(error, HTTPException):
        missing = f"There is no page {request.url.path}."
        status, said = error.status_code, missing if error.status_code == 404 else str(error.detail)
    else:
        status, said = 400, "; ".join(f"{fault['loc'][-1]}: {fault['msg']}" for fault in error.errors())
    return show(request, "error.html", status=status, code=status, said=said)


def _present(request: Request) -> Visitor:
    visitor: Visitor = request.state.visitor
    return visitor


def _form(request: Request) -> dict[str, str]:
    form: dict[str, str] = request.state.form
    return form


def _files(request: Request) -> dict[str, bytes]:
    files: dict[str, bytes] = request.state.files
    return files


Present = Annotated[Visitor, Depends(_present)]
Form = Annotated[dict[str, str], Depends(_form)]
Files = Annotated[dict[str, bytes], Depends(_files)]
