"""Errors of an endpoint: wrong and unsure rows, tags and what they explain, rules that tag, slices that stand out."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from interlock.api.access import Actor, GuardedRoute, needs
from interlock.api.logged import commit_what_waits
from interlock.api.monitoring import parse_window
from interlock.api.rendering import finite, plain
from interlock.api.services import Given
from interlock.domain.error_rule import ErrorRule
from interlock.domain.row_condition import spell
from interlock.monitoring.error_analysis import Explained, Tag, Wanted
from interlock.monitoring.error_slices import Slice
from interlock.predictions.mistakes import Mistake, Order, Shown

router = APIRouter(prefix="/endpoints/{endpoint}/errors", tags=["errors"], route_class=GuardedRoute)

_MOST_ROWS = 1_000


class Asked(BaseModel):
    """Which rows are meant.

    Args:
        window: Up to the newest event.
        show: Wrong answers, unsure ones, or all with a label.
        where: Conditions: `temp > 30 and origin = EWR`.
    """

    window: str = "7d"
    show: Shown = "wrong"
    below: float = Field(default=0.6, ge=0, le=1)
    version: str = ""
    label: str = ""
    answer: str = ""
    tag: str = ""
    where: str = ""
    sort: Order | None = None

    def wanted(self, endpoint: str, *, offset: int = 0, limit: int = 50) -> Wanted:
        """The same for the service."""
        return Wanted(
            endpoint=endpoint,
            window=parse_window(self.window),
            shown=self.show,
            below=self.below,
            version=self.version,
            label=self.label,
            answer=self.answer,
            tag=self.tag,
            where=self.where,
            order=self.sort,
            offset=offset,
            limit=limit,
        )


class NewRule(BaseModel, extra="forbid"):
    """A rule: rows for which the conditions hold have the tag."""

    where: str = Field(description="like `temp > 30 and origin = EWR`; beside inputs: answer, label, score, version")


class Rows(BaseModel, extra="forbid"):
    """Predictions by their ids."""

    predictions: list[str]


Fresh = Annotated[bool, Query(description="first commit what waits in the spool")]


@router.get("", **needs("read"))
def rows(
    endpoint: str,
    asked: Annotated[Asked, Query()],
    services: Given,
    offset: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST_ROWS)] = 50,
    fresh: Fresh = True,
) -> dict[str, Any]:
    """Rows of the window, with what was asked, answered and true, and with their tags."""
    if fresh:
        commit_what_waits(services.settings)
    question = services.errors.question(asked.wanted(endpoint, offset=offset, limit=limit))
    found = {
        "endpoint": endpoint,
        "since": question.since,
        "until": question.until,
        "matching": services.errors.count(question),
        "rows": [_row(each) for each in services.errors.rows(question)],
    }
    return dict(finite(plain(found)))


@router.get("/tags", **needs("read"))
def tags(endpoint: str, services: Given, window: str = "7d", version: str = "", fresh: Fresh = True) -> dict[str, Any]:
    """What each tag explains of the window: its rows, how many are wrong, share of all errors, gain if mended."""
    if fresh:
        commit_what_waits(services.settings)
    asked = Asked(window=window, version=version)
    found = services.errors.explain(services.errors.question(asked.wanted(endpoint)))
    return dict(finite(plain(_explained(endpoint, found))))


@router.post("/tags/{tag}", **needs("label"))
def add_tag(endpoint: str, tag: str, rows: Rows, actor: Actor, services: Given) -> dict[str, Any]:
    """Put a tag on predictions. `changed`: how many did not have it."""
    return {"tag": tag, "changed": services.error_tags.add(endpoint, tag, rows.predictions, actor=actor)}


@router.post("/tags/{tag}/remove", **needs("label"))
def remove_tag(endpoint: str, tag: str, rows: Rows, actor: Actor, services: Given) -> dict[str, Any]:
    """Take a tag from predictions. `changed`: how many had it by hand."""
    return {"tag": tag, "changed": services.error_tags.remove(endpoint, tag, rows.predictions, actor=actor)}


@router.get("/rules", **needs("read"))
def rules(endpoint: str, services: Given) -> dict[str, Any]:
    """Every rule, by tag."""
    return {"rules": [_rule(each) for each in services.error_rules.list(endpoint)]}


@router.put("/rules/{tag}", **needs("operate"))
def put_rule(endpoint: str, tag: str, new: NewRule, actor: Actor, services: Given) -> dict[str, Any]:
    """Tag rows by a condition, now and from now on; in the place of an earlier rule of the tag."""
    return _rule(services.error_rules.put(endpoint, tag, new.where, actor=actor))


@router.delete("/rules/{tag}", status_code=204, **needs("operate"))
def remove_rule(endpoint: str, tag: str, actor: Actor, services: Given) -> None:
    """Forget a rule. Tags by hand stay."""
    services.error_rules.remove(endpoint, tag, actor=actor)


@router.get("/slices", **needs("read"))
def slices(
    endpoint: str,
    services: Given,
    window: str = "7d",
    version: str = "",
    where: str = "",
    seed: Annotated[int, Query(ge=0, lt=2**31)] = 1,
    fresh: Fresh = True,
) -> dict[str, Any]:
    """Slices in which errors concentrate: found on half of a sample, proven on the other half."""
    if fresh:
        commit_what_waits(services.settings)
    asked = Asked(window=window, version=version, where=where)
    question = services.errors.question(asked.wanted(endpoint))
    found = services.errors.slices(question, seed=seed)
    told = {
        "endpoint": endpoint, "since": question.since, "until": question.until, "sampled": found.rows,
        "judged_on": found.judged_on, "columns": found.columns, "judged": found.judged, "reason": found.reason,
        "slices": [_slice(each) for each in found.found],
    }  # fmt: skip
    return dict(finite(plain(told)))


def _row(row: Mistake) -> dict[str, Any]:
    return {name: getattr(row, name) for name in Mistake.__dataclass_fields__}


def _rule(rule: ErrorRule) -> dict[str, Any]:
    return dict(plain({"tag": rule.tag, "where": rule.where, "at": rule.created_at, "by": rule.created_by}))


def _explained(endpoint: str, found: Explained) -> dict[str, Any]:
    return {
        "endpoint": endpoint,
        "since": found.since,
        "until": found.until,
        "task": "regression" if found.is_regressor else "classification",
        "rows": found.totals.rows,
        "labelled": found.totals.labelled,
        "wrong": found.totals.wrong,
        "error": found.totals.error,
        "tags": [_tag(each) for each in found.tags],
    }


def _tag(tag: Tag) -> dict[str, Any]:
    return {
        "tag": tag.name,
        "where": tag.where,
        "by_hand": tag.by_hand,
        "rows": tag.found.rows if tag.found else None,
        "wrong": tag.found.wrong if tag.found else None,
        "share_of_errors": tag.share,
        "gain": tag.gain,
        "fault": tag.fault,
    }


def _slice(found: Slice) -> dict[str, Any]:
    effect = found.effect
    return {
        "where": spell(found.conditions),
        "rows": effect.rows,
        "mean_error": effect.mean,
        "rest_mean_error": effect.rest_mean,
        "difference": effect.difference,
        "lower": effect.lower,
        "upper": effect.upper,
        "p_adjusted": found.p_adjusted,
        "share_of_errors": found.share,
        "gain": found.gain,
    }
