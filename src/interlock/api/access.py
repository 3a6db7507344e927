"""Who may call what: every route names the permission it needs, and a route that names none answers no one.

Checked before the request's body is read. Here the key travels as `Authorization: Bearer KEY`, never as a cookie, so
another site's page cannot use it; the pages of `web/` know their visitors by a session.
"""

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from interlock.api.key_ring import KeyRing
from interlock.api.problems import note, unexpected
from interlock.domain.access import Key
from interlock.domain.errors import ForbiddenError, InterlockError, UnauthenticatedError

PUBLIC = "public"
_PERMISSION = "x-interlock-permission"
_LIMITED_KEYS = "x-interlock-limited-keys"

NOBODY = Key(name="no-auth", role="admin", digest="", created_at=datetime(2000, 1, 1, tzinfo=UTC), owner="no-auth")
"""Who acts when the server was started with `--no-auth`."""


def needs(permission: str, *, limited_keys: bool = False) -> dict[str, Any]:
    """What a route asks of its caller, as arguments of the route's decorator.

    Args:
        permission: As in `Key.may`, or `PUBLIC`.
        limited_keys: Whether a key that is limited to endpoints may call it although its path names no endpoint (the
            route then shows only what the key may see).
    """
    return {"openapi_extra": {_PERMISSION: permission, _LIMITED_KEYS: limited_keys}}


class GuardedRoute(APIRoute):
    """A route that checks the caller first."""

    @property
    def permission(self) -> str | None:
        return (self.openapi_extra or {}).get(_PERMISSION)

    @property
    def takes_limited_keys(self) -> bool:
        return bool((self.openapi_extra or {}).get(_LIMITED_KEYS))

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                if self.permission != PUBLIC:
                    request.state.actor = await run_in_threadpool(self._admit, request)
                return await handle(request)
            except (InterlockError, HTTPException, RequestValidationError):
                raise
            except Exception as error:
                # Here and not in the app's last handler, after which the server would log it again and hang up.
                return self.broken(request, note(request, error))

        return guarded

    def caller(self, request: Request) -> Key:
        """Whose request it is. Raises UnauthenticatedError."""
        return identify(request)

    def broken(self, request: Request, answer_id: str) -> Response:  # noqa: ARG002 (pages need it)
        """The answer where something broke that is not ours to explain."""
        return unexpected(answer_id)

    def _admit(self, request: Request) -> Key:
        actor = self.caller(request)
        endpoint = request.path_params.get("endpoint")
        if self.permission is None or not actor.may(self.permission, endpoint):
            asked = f"{self.permission or 'call this'}{f' on endpoint {endpoint!r}' if endpoint else ''}"
            raise ForbiddenError(f"key {actor.name!r} (role {actor.role}) may not {asked}")
        if actor.endpoints and endpoint is None and not self.takes_limited_keys:
            raise ForbiddenError(f"key {actor.name!r} is limited to {', '.join(actor.endpoints)}; this needs all")
        return actor


def identify(request: Request) -> Key:
    """Whose key the request carries.

    Raises:
        UnauthenticatedError: It carries none, or one that is not good.
    """
    if request.app.state.no_auth:
        return NOBODY
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise UnauthenticatedError("no key given; send it as `Authorization: Bearer KEY`")
    ring: KeyRing = request.app.state.key_ring
    return ring.authenticate(secret.strip())


def check_endpoint(actor: Key, permission: str, endpoint: str) -> None:
    """For routes whose path names a release: whether the key reaches the release's endpoint.

    Raises:
        ForbiddenError: It does not.
    """
    if not actor.may(permission, endpoint):
        raise ForbiddenError(f"key {actor.name!r} (role {actor.role}) may not {permission} on endpoint {endpoint!r}")


def _actor(request: Request) -> Key:
    actor: Key = request.state.actor
    return actor


Actor = Annotated[Key, Depends(_actor)]
