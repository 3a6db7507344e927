"""Access keys over the network: only administrators."""

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel

from interlock.api.access import Actor, GuardedRoute, needs
from interlock.api.rendering import plain
from interlock.api.services import Given
from interlock.domain.access import Key, Role

router = APIRouter(prefix="/keys", tags=["keys"], route_class=GuardedRoute)


class NewKey(BaseModel, extra="forbid"):
    """A key to make. `endpoints` limits it; `allow` adds permissions, such as `backdate`."""

    name: str
    role: Role
    owner: str = ""
    endpoints: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()


@router.get("", **needs("admin"))
def list_keys(services: Given) -> dict[str, Any]:
    """All keys, also revoked ones; never the keys themselves."""
    return {"keys": [describe(key) for key in services.key_ring.list()]}


@router.post("", status_code=201, **needs("admin"))
def create(new: NewKey, actor: Actor, services: Given) -> dict[str, Any]:
    """Make a key. The answer shows it; nothing else ever will."""
    key, secret = services.key_ring.create(
        new.name, new.role, actor=actor, owner=new.owner, endpoints=new.endpoints, allow=new.allow
    )
    return {**describe(key), "key": secret}


@router.delete("/{name}", status_code=204, **needs("admin"))
def revoke(name: str, actor: Actor, services: Given) -> Response:
    """Make a key worthless."""
    services.key_ring.revoke(name, actor=actor)
    return Response(status_code=204)


def describe(key: Key) -> dict[str, Any]:
    """What may be shown of a key."""
    shown: dict[str, Any] = plain(key)
    del shown["digest"]
    return shown
