"""Online learning: what is declared of an endpoint, and its learner. What they mean is in `learning/`."""

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from interlock.api.access import Actor, GuardedRoute, check_endpoint, needs
from interlock.api.rendering import finite, plain
from interlock.api.services import Given
from interlock.learning.online_service import LearnerStatus

router = APIRouter(tags=["learners"], route_class=GuardedRoute)


class Back(BaseModel, extra="forbid"):
    """Where a learner is set back to."""

    to: str | None = Field(None, description="name:version; by default the snapshot before its last one")


class Again(BaseModel, extra="forbid"):
    """A snapshot whose lessons are taught again."""

    version: str
    pin: str | None = Field(None, description="endpoint@name of a pin that holds its rows; by default the log")


@router.get("/endpoints/{endpoint}/online-learning", **needs("read"))
def declared(endpoint: str, services: Given) -> dict[str, Any]:
    """What is declared; null if nothing is."""
    return {"endpoint": endpoint, "online_learning": plain(services.learners.declared(endpoint))}


@router.put("/endpoints/{endpoint}/online-learning", **needs("operate"))
def declare(endpoint: str, document: dict[str, Any], actor: Actor, services: Given) -> dict[str, Any]:
    """Put a declaration in the place of the one before. One whose snapshots serve by themselves needs role admin."""
    return {"endpoint": endpoint, "online_learning": plain(services.learners.declare(endpoint, document, actor))}


@router.delete("/endpoints/{endpoint}/online-learning", status_code=204, **needs("operate"))
def withdraw(endpoint: str, actor: Actor, services: Given) -> Response:
    """Take the declaration away: the learner stops, and what serves goes on serving."""
    services.learners.withdraw(endpoint, actor)
    return Response(status_code=204)


@router.get("/learners", **needs("read", limited_keys=True))
def list_learners(actor: Actor, services: Given) -> dict[str, Any]:
    """Learners, by endpoint."""
    found = [dict(finite(plain(each))) for each in services.learners.list() if actor.may("read", each.endpoint)]
    return {"learners": found}


@router.get("/learners/{endpoint}", **needs("read", limited_keys=True))
def status(endpoint: str, actor: Actor, services: Given) -> dict[str, Any]:
    """How a learner is doing."""
    check_endpoint(actor, "read", endpoint)
    return _shown(services.learners.status(endpoint))


@router.post("/learners/replays", **needs("operate"))
def replay(again: Again, services: Given) -> dict[str, Any]:
    """Teach a snapshot's predecessor the same lessons again, and say whether the same model comes out."""
    return dict(finite(plain(services.online_replays.replay(again.version, again.pin))))


@router.post("/learners/{endpoint}/pause", **needs("operate", limited_keys=True))
def pause(endpoint: str, actor: Actor, services: Given) -> dict[str, Any]:
    """Let a learner stop where it is. What serves goes on serving."""
    check_endpoint(actor, "operate", endpoint)
    services.learners.pause(endpoint, actor)
    return _shown(services.learners.status(endpoint))


@router.post("/learners/{endpoint}/resume", **needs("operate", limited_keys=True))
def resume(endpoint: str, actor: Actor, services: Given) -> dict[str, Any]:
    """Let a learner go on where it stopped, or from the champion if that is another's."""
    check_endpoint(actor, "operate", endpoint)
    services.learners.resume(endpoint, actor)
    return _shown(services.learners.status(endpoint))


@router.post("/learners/{endpoint}/back", **needs("operate", limited_keys=True))
def back(endpoint: str, given: Back, actor: Actor, services: Given) -> dict[str, Any]:
    """Set a learner back to an earlier snapshot of its own. If it serves, that snapshot serves."""
    check_endpoint(actor, "operate", endpoint)
    services.learners.go_back(endpoint, given.to, actor)
    return _shown(services.learners.status(endpoint))


def _shown(found: LearnerStatus) -> dict[str, Any]:
    """A learner and how it stands, in one object."""
    learner = dict(finite(plain(found.learner)))
    rows = found.learner.progress.rows
    learner["progress"] |= {
        "mean_loss": found.learner.progress.loss / rows if rows else None,
        "accuracy": 1 - found.learner.progress.wrong / rows if rows else None,
    }
    declared = plain(found.declared)
    return {**learner, "behind": found.behind, "serves": found.serves, "declared": declared}
