"""Signing in with an API key, and out again.

Before there is a session, a form is tied to its browser by a cookie that holds the same random token as the form: a
page of another site can set neither.
"""

import secrets
from urllib.parse import unquote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from interlock.api.access import PUBLIC, needs
from interlock.api.services import Given
from interlock.domain.errors import ForbiddenError, UnauthenticatedError
from interlock.web.access import COOKIE, TOKEN, Form, PageRoute, is_same
from interlock.web.rendering import show
from interlock.web.sessions import LENGTH, Sessions

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_FORM_COOKIE = "interlock_form"


@router.get("/sign-in", **needs(PUBLIC))
def ask(request: Request, next: str = "/") -> Response:
    """The form."""
    if request.app.state.no_auth:
        return RedirectResponse("/", 303)
    return _ask(request, back=_inside(next))


@router.post("/sign-in", **needs(PUBLIC))
def sign_in(request: Request, form: Form, services: Given) -> Response:
    """Begin a session, or say what is wrong with the key."""
    back = _inside(form.get("next", "/"))
    if not is_same(form.get(TOKEN, ""), request.cookies.get(_FORM_COOKIE, "")):
        return _ask(request, back=back, fault="The form was too old, or cookies are off; try again.", status=403)
    try:
        key = services.key_ring.authenticate(form.get("key", "").strip())
        if not key.may("read"):
            raise ForbiddenError(f"key {key.name!r} has role {key.role}, which may not read; use a viewer's or higher")
    except (UnauthenticatedError, ForbiddenError) as error:
        return _ask(request, back=back, fault=f"{str(error)[0].upper()}{str(error)[1:]}.", status=401)
    sessions: Sessions = request.app.state.sessions
    answer = RedirectResponse(back, 303)
    _set(request, answer, COOKIE, sessions.open(key.digest), round(LENGTH.total_seconds()))
    answer.delete_cookie(_FORM_COOKIE, path="/sign-in")
    return answer


@router.post("/sign-out", **needs("read", limited_keys=True))
def sign_out(request: Request) -> Response:
    """End the session, here and in the browser."""
    sessions: Sessions = request.app.state.sessions
    sessions.close(request.cookies.get(COOKIE, ""))
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(COOKIE)
    return answer


def _ask(request: Request, *, back: str, fault: str = "", status: int = 200) -> Response:
    token = request.cookies.get(_FORM_COOKIE) or secrets.token_urlsafe(32)
    answer = show(request, "sign_in.html", status=status, token=token, back=back, fault=fault)
    _set(request, answer, _FORM_COOKIE, token, 3600, path="/sign-in")
    return answer


def _set(request: Request, answer: Response, name: str, value: str, seconds: int, path: str = "/") -> None:
    is_secure = request.url.scheme == "https"
    answer.set_cookie(name, value, max_age=seconds, path=path, httponly=True, samesite="strict", secure=is_secure)


def _inside(wanted: str) -> str:
    """A path of this server; anything that a browser could take for another place becomes the overview."""
    is_path = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and "\\" not in unquote(wanted)
    return wanted if is_path and wanted.isprintable() else "/"
