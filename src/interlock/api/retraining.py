"""What an endpoint's owner says of retraining. A file is the whole of it: applying one replaces what was there."""

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from interlock.api.access import Actor, GuardedRoute, needs
from interlock.api.rendering import finite, plain
from interlock.api.services import Given

router = APIRouter(prefix="/endpoints", tags=["runs"], route_class=GuardedRoute)


class WantedAdvice(BaseModel, extra="forbid"):
    """How often to retrain is to be measured."""

    tolerated: float = Field(0.01, description="share of a fresh model's loss that may be lost between two runs")
    starts: int = Field(6, description="how many models are taught, each up to another day")


@router.get("/{endpoint}/retraining", **needs("read"))
def show(endpoint: str, services: Given) -> dict[str, Any]:
    """What is declared, and what its triggers remember and wait for; null if nothing is."""
    declared = services.runs.declared(endpoint)
    return {"endpoint": endpoint, "retraining": plain(declared), "triggers": plain(services.runs.watched(endpoint))}


@router.put("/{endpoint}/retraining", **needs("operate"))
def declare(endpoint: str, document: dict[str, Any], actor: Actor, services: Given) -> dict[str, Any]:
    """Put a declaration in the place of the one before. One that names code or files needs role admin."""
    return {"endpoint": endpoint, "retraining": plain(services.runs.declare(endpoint, document, actor))}


@router.delete("/{endpoint}/retraining", status_code=204, **needs("operate"))
def withdraw(endpoint: str, actor: Actor, services: Given) -> Response:
    """Take the declaration away."""
    services.runs.withdraw(endpoint, actor)
    return Response(status_code=204)


@router.post("/{endpoint}/retraining/advice", status_code=202, **needs("operate"))
def advise(endpoint: str, wanted: WantedAdvice, actor: Actor, services: Given) -> dict[str, Any]:
    """Measure how fast the model grows old, in a process of its own. The answer comes at once; look for the end."""
    return dict(
        finite(plain(services.advices.start(endpoint, actor, tolerated=wanted.tolerated, starts=wanted.starts)))
    )


@router.get("/{endpoint}/retraining/advice", **needs("read"))
def advice(endpoint: str, services: Given) -> dict[str, Any]:
    """The newest advice: how far it is, what was measured, what is proposed."""
    return dict(finite(plain(services.advices.get(endpoint))))
