"""Alert rules that people wrote. The file is the whole of them: applying it replaces what was there."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from interlock.api.access import Actor, GuardedRoute, needs
from interlock.api.rendering import plain
from interlock.api.services import Given

router = APIRouter(prefix="/alert-rules", tags=["alerts"], route_class=GuardedRoute)


class RulesFile(BaseModel, extra="forbid"):
    """What a rules file holds. What a rule may say is in docs/alerts.md."""

    rules: list[dict[str, Any]]


@router.get("", **needs("read"))
def list_rules(services: Given) -> dict[str, Any]:
    """Those that people wrote, by name."""
    return {"rules": plain(services.alerts.rules())}


@router.put("", **needs("operate"))
def apply(file: RulesFile, actor: Actor, services: Given) -> dict[str, Any]:
    """Put these in the place of all that were written before."""
    return {"rules": plain(services.alerts.apply_rules({"rules": file.rules}, actor=actor))}
