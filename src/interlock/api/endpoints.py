"""Endpoints: create (and wait until it is served), list, show, delete; roll back; quality, monitoring and verdicts."""

from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from interlock.api.access import Actor, GuardedRoute, needs
from interlock.api.services import Given
from interlock.api.serving import await_served
from interlock.domain.contract import PrivacyRule
from interlock.domain.declaration import image_share
from interlock.domain.endpoint import Detector, Durability, WhenFull
from interlock.domain.errors import UnloadableModelError

router = APIRouter(prefix="/endpoints", tags=["endpoints"], route_class=GuardedRoute)


Privacy = dict[str, PrivacyRule]
Images = Literal["all", "none"] | float


class EndpointOptions(BaseModel, extra="forbid"):
    """How an endpoint serves; what is left out stays as it is, or is the default."""

    deadline_ms: float | None = Field(None, gt=0, le=600_000)
    durability: Durability | None = Field(None, description="what a record survives before its answer leaves")
    when_full: WhenFull | None = Field(None, description="what happens when a record cannot be written")
    label_key: str | None = Field(None, description="what identifies a case in files of labels: an input, or `unit`")
    retention_days: int | None = Field(None, description="how many full days of events the log keeps; 0: for ever")
    concept_detectors: tuple[Detector, ...] | None = Field(
        None, description="which online detectors look for concept drift in the errors; an empty list: none"
    )
    privacy: Privacy | None = Field(None, description="what the log gets of a column; others keep their rule")
    images: Images | None = Field(None, description="which images the log keeps; by default as contracts say")

    @property
    def given(self) -> dict[str, Any]:
        names = EndpointOptions.model_fields.keys() - {"images"}
        found = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        return found | ({} if self.images is None else {"image_share": image_share(self.images)})


class NewEndpoint(EndpointOptions):
    """A served name and the version behind it."""

    name: str
    model: str = Field(description="the first champion, NAME:VERSION")


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
    services.endpoints.create(new.name, new.model, actor=actor, **new.given)
    try:
        await_served(services, new.name)
    except UnloadableModelError as error:
        services.endpoints.delete(new.name, actor=actor)
        raise UnloadableModelError(f"{error}; so {new.name!r} was not kept") from error
    return services.endpoints.describe(new.name)


@router.get("/{endpoint}", **needs("read"))
def show(endpoint: str, services: Given) -> dict[str, Any]:
    """An endpoint, its traffic and its release."""
    return services.endpoints.describe(endpoint)


@router.patch("/{endpoint}", **needs("operate"))
def change(endpoint: str, options: EndpointOptions, actor: Actor, services: Given) -> dict[str, Any]:
    """Change how an endpoint serves. Answers once every live gateway does so."""
    services.endpoints.change(endpoint, actor=actor, **options.given)
    await_served(services, endpoint)
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
