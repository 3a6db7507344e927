"""Endpoints: create (and wait until it is served), list, show, delete; roll back; quality, monitoring and verdicts."""

from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from interlock.api.access import Actor, GuardedRoute, needs
from interlock.api.services import Given
from interlock.api.serving import await_served
from interlock.domain.contract import PrivacyRule
from interlock.domain.declaration import image_share

router = APIRouter(prefix="/endpoints", tags=["endpoints"], route_class=GuardedRoute)


Privacy = dict[str, PrivacyRule]
Images = Literal["all", "none"] | float


class NewEndpoint(BaseModel, extra="forbid"):
    """A served name and the version behind it."""

    name: str
    model: str = Field(description="the first champion, NAME:VERSION")
    deadline_ms: float = Field(1000.0, gt=0, le=600_000)
    privacy: Privacy = {}
    images: Images | None = Field(None, description="which images the log keeps; by default as contracts say")


class ChangedEndpoint(BaseModel, extra="forbid"):
    """What the log gets from now on. Columns that are not named keep their rule."""

    privacy: Privacy = {}
    images: Images | None = None


class Rollback(BaseModel, extra="forbid"):
    """By hand, at once. `to`: the version that shall answer; by default the champion before."""

    to: str | None = None
    reason: str = ""


@router.get("", **needs("read", limited_keys=True))
def list_endpoints(actor: Actor, services: Given) -> dict[str, Any]:
    """Every endpoint that the key may see."""
    return {"endpoints": [each for each in services.endpoints.list() if actor.may("read", each["name"])]}


@router.post("", status_code=201, **needs("operate"))
def create(new: NewEndpoint, actor: Actor, services: Given) -> dict[str, Any]:
    """Create an endpoint. Answers once every live gateway serves it."""
    services.endpoints.create(
        new.name,
        new.model,
        actor=actor,
        deadline_ms=new.deadline_ms,
        privacy=new.privacy,
        image_share=_share(new.images),
    )
    await_served(services, new.name, actor)
    return services.endpoints.describe(new.name)


@router.get("/{endpoint}", **needs("read"))
def show(endpoint: str, services: Given) -> dict[str, Any]:
    """An endpoint, its traffic and its release."""
    return services.endpoints.describe(endpoint)


@router.patch("/{endpoint}", **needs("operate"))
def change(endpoint: str, options: ChangedEndpoint, actor: Actor, services: Given) -> dict[str, Any]:
    """Change what the log gets. Answers once every live gateway does so."""
    services.endpoints.change(endpoint, actor=actor, privacy=options.privacy, image_share=_share(options.images))
    await_served(services, endpoint, actor, is_new=False)
    return services.endpoints.describe(endpoint)


@router.delete("/{endpoint}", status_code=204, **needs("operate"))
def delete(endpoint: str, actor: Actor, services: Given) -> Response:
    """Stop serving. The log stays."""
    services.endpoints.delete(endpoint, actor=actor)
    return Response(status_code=204)


@router.post("/{endpoint}/rollback", **needs("operate"))
def rollback(endpoint: str, asked: Rollback, actor: Actor, services: Given) -> dict[str, Any]:
    """Take the traffic back."""
    services.releases.rollback(endpoint, to=asked.to, actor=actor, reason=asked.reason)
    return services.endpoints.describe(endpoint)


def _share(images: Images | None) -> float | None:
    return None if images is None else image_share(images)
