"""Annotation: rows drawn for people to label, and their answers. Labels that stand go to the gateway by the client."""

from datetime import datetime
from functools import partial
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from interlock.api.access import Actor, GuardedRoute, needs
from interlock.api.logged import commit_what_waits
from interlock.api.monitoring import aware
from interlock.api.rendering import finite, plain
from interlock.api.services import Given
from interlock.domain.annotation import Rule
from interlock.domain.row_condition import parse
from interlock.predictions.unlabelled import Chosen
from interlock.review.annotations import MOST, RANDOM_SHARE

router = APIRouter(prefix="/endpoints/{endpoint}/annotations", tags=["annotations"], route_class=GuardedRoute)

_MOST_ANSWERS = 10_000


class NewExport(BaseModel, extra="forbid"):
    """How many rows to draw, of which time. `since`: by default from where the last draw ended."""

    budget: int = Field(ge=1, le=MOST)
    since: datetime | None = None
    until: datetime | None = None
    random_share: float = Field(RANDOM_SHARE, gt=0, le=1)
    seed: int | None = Field(None, ge=0, lt=2**31)
    fresh: bool = True
    where: str = Field("", description="rows that are wanted most, like `temp > 30 and score < 0.6`")
    predictions: list[str] = Field([], description="rows that are wanted most, by id", max_length=MOST)

    @property
    def chosen(self) -> Chosen | None:
        """What is wanted in place of the usual criteria; None for these."""
        conditions = parse(self.where)
        return Chosen(conditions, tuple(self.predictions)) if conditions or self.predictions else None


class Answers(BaseModel, extra="forbid"):
    """What annotators said: each with `prediction_id`, `annotator` and `label`; and how several become one label."""

    answers: list[dict[str, Any]] = Field(max_length=_MOST_ANSWERS)
    rule: Rule = "majority"
    fewest: int = Field(1, ge=1)


@router.get("", **needs("read"))
def list_exports(endpoint: str, services: Given) -> dict[str, Any]:
    """Draws with how many of their rows have an answer, and how far annotators agree."""
    return dict(finite(plain(services.annotations.overview(endpoint))))


@router.post("/exports", status_code=201, **needs("operate"))
def export(endpoint: str, new: NewExport, actor: Actor, services: Given) -> dict[str, Any]:
    """Draw rows without a label, with known chances: unsure ones, contested ones, of moved regions, and any."""
    if new.fresh:
        commit_what_waits(services.settings)
    ask = partial(services.annotations.export, random_share=new.random_share, seed=new.seed)
    ask = partial(ask, chosen=new.chosen)
    since, until = aware("since", new.since), aware("until", new.until)
    return dict(finite(plain(ask(endpoint, new.budget, actor=actor, since=since, until=until))))


@router.get("/exports/{id}", **needs("read"))
def drawn(endpoint: str, id: int, services: Given) -> dict[str, Any]:
    """The rows of an earlier draw once more, with their weights."""
    return dict(finite(plain(services.annotations.drawn(endpoint, id))))


@router.post("/answers", **needs("operate"))
def answer(endpoint: str, said: Answers, actor: Actor, services: Given) -> dict[str, Any]:
    """Keep what annotators said. The answer has the labels that stand now, for the gateway's `labels` route."""
    kept = services.annotations.answer(endpoint, said.answers, actor=actor, rule=said.rule, fewest=said.fewest)
    return dict(finite(plain(kept)))
