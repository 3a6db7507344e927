"""Errors of an endpoint: wrong and unsure answers, with what was asked; tags by hand, and what they explain.

Which rows are meant stands in the address. The log filters, sorts and pages; the store has the tags.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from interlock.api.access import needs
from interlock.api.monitoring import parse_window
from interlock.api.services import Given, Services
from interlock.domain.errors import InvalidInputError, NotFoundError
from interlock.monitoring.windows import HOUR
from interlock.predictions.mistakes import Order, Question, Shown, TagTotals, Totals
from interlock.stats import image_descriptors
from interlock.web import error_sheet
from interlock.web.access import Form, PageRoute, Present
from interlock.web.rendering import show

router = APIRouter(prefix="/endpoints/{endpoint}", route_class=PageRoute, include_in_schema=False)

_ROWS_A_PAGE = 50
_MOST_EXPORTED = 10_000
_LONGEST = timedelta(days=92)
_CONDITION = re.compile(r"(.+?)\s*([=<>])\s*(.*)", re.DOTALL)
_IMAGE_TYPES = {"png": "image/png", "jpeg": "image/jpeg"}
_TICK = "row."


class Asked(BaseModel):
    """What the address says.

    Args:
        window: Up to the newest event.
        show: As `Question.shown`.
        where: A condition on an input: `origin = EWR`, `temp > 30`.
        page: From 1.
    """

    window: str = "7d"
    show: Shown = "wrong"
    below: float = Field(0.6, ge=0, le=1)
    version: str = ""
    label: str = ""
    answer: str = ""
    tag: str = ""
    where: str = ""
    sort: Order | None = None
    page: int = Field(1, ge=1, le=100_000)

    def query(self, **changes: object) -> str:
        """This, with changes, as the query of an address; what is as by default is left out."""
        defaults = {name: each.default for name, each in Asked.model_fields.items()}
        given = {**self.model_dump(), **({} if "page" in changes else {"page": 1}), **changes}
        return urlencode({name: value for name, value in given.items() if value != defaults.get(name)})


@dataclass(frozen=True, slots=True)
class Tag:
    """What a tag explains: its `share` of all that is wrong, and the `gain` of accuracy or mean error if mended."""

    name: str
    found: TagTotals
    share: float | None
    gain: float | None


@router.get("/errors", **needs("read"))
def page(
    request: Request, endpoint: str, asked: Annotated[Asked, Query()], visitor: Present, services: Given
) -> Response:
    """The page."""
    tags = services.error_tags.of_endpoint(endpoint)
    question = _question(services, endpoint, asked, tags)
    mistakes = services.reader.mistakes
    totals, is_regressor = mistakes.totals(question), mistakes.answers(endpoint).is_regressor
    matching = mistakes.count(question)
    return show(
        request,
        "errors.html",
        endpoint=endpoint,
        asked=asked,
        question=question,
        is_regressor=is_regressor,
        totals=totals,
        matching=matching,
        pages=max(1, -(-matching // _ROWS_A_PAGE)),
        rows=mistakes.page(question),
        tags_of=_by_prediction(tags),
        tags=_explained(mistakes.of_tags(question, tags), totals),
        known_tags=sorted(tags),
        may_tag=visitor.may("label", endpoint),
        has_sheets=error_sheet.has_xlsx(),
        **_contract(services, endpoint),
    )


@router.get("/errors/export", **needs("read"))
def export(endpoint: str, asked: Annotated[Asked, Query()], services: Given, format: str = "csv") -> Response:
    """The same rows as a file, at most ten thousand of them."""
    tags = services.error_tags.of_endpoint(endpoint)
    question = replace(_question(services, endpoint, asked, tags), offset=0, limit=_MOST_EXPORTED)
    rows = services.reader.mistakes.page(question)
    content, media_type = error_sheet.written(format, rows, _by_prediction(tags))
    headers = {"Content-Disposition": f'attachment; filename="{endpoint}-errors.{format}"'}
    return Response(content, media_type=media_type, headers=headers)


@router.post("/errors/tags", **needs("label"))
def tag(endpoint: str, form: Form, visitor: Present, services: Given) -> Response:
    """Put a tag on the rows that are ticked, or take it away."""
    ids = [name.removeprefix(_TICK) for name in form if name.startswith(_TICK)]
    change = services.error_tags.remove if form.get("act") == "remove" else services.error_tags.add
    change(endpoint, form.get("tag", "").strip(), ids, actor=visitor.key)
    return RedirectResponse(f"/endpoints/{endpoint}/errors?{form.get('back', '')}", 303)


@router.get("/images/{folder}/{file}", **needs("read"))
def image(endpoint: str, folder: str, file: str, services: Given) -> Response:
    """A logged image."""
    media_type = _IMAGE_TYPES.get(file.rpartition(".")[2])
    try:
        content = services.images.read(endpoint, f"{folder}/{file}")
    except InvalidInputError:
        raise NotFoundError("image", f"{folder}/{file}") from None
    return Response(content, media_type=media_type or "application/octet-stream")


def _question(services: Services, endpoint: str, asked: Asked, tags: dict[str, list[str]]) -> Question:
    until = _newest(services, endpoint)
    is_regressor = services.reader.mistakes.answers(endpoint).is_regressor
    return Question(
        endpoint=endpoint,
        since=until - min(max(HOUR, parse_window(asked.window)), _LONGEST),
        until=until,
        shown=asked.show,
        below=asked.below,
        version=asked.version.strip(),
        label=asked.label.strip(),
        answer=asked.answer.strip(),
        condition=_condition(asked.where.strip()),
        ids=tags.get(asked.tag.strip(), []) if asked.tag.strip() else None,
        order=asked.sort or ("-error" if is_regressor else "score" if asked.show == "unsure" else "-score"),
        offset=(asked.page - 1) * _ROWS_A_PAGE,
        limit=_ROWS_A_PAGE,
    )


def _newest(services: Services, endpoint: str) -> datetime:
    with services.store.read() as tx:
        latest = tx.profiles.latest_hour(endpoint)
    return (latest or services.clock().replace(minute=0, second=0, microsecond=0)) + HOUR


def _condition(text: str) -> tuple[str, str, str] | None:
    if not text:
        return None
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise InvalidInputError(f"where == {text[:60]!r}, must be like `origin = EWR` or `temp > 30`")
    name, sign, value = found.groups()
    return name, sign, value


def _by_prediction(tags: dict[str, list[str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, ids in tags.items():
        for each in ids:
            found.setdefault(each, []).append(name)
    return found


def _explained(found: dict[str, TagTotals], totals: Totals) -> list[Tag]:
    """The tags of the window, what explains most first."""
    tags = [
        Tag(
            name,
            each,
            each.error / totals.error if totals.error else None,
            each.error / totals.labelled if totals.labelled else None,
        )
        for name, each in found.items()
    ]
    return sorted(tags, key=lambda each: (-each.found.error, each.name))


def _contract(services: Services, endpoint: str) -> dict[str, Any]:
    """Inputs to show: those of the champion first, without the descriptors of images."""
    with services.store.read() as tx:
        inputs = tx.models.get(tx.plans.current(endpoint).champion).contract.inputs
    images = {each.name for each in inputs if each.image is not None}
    described = {f"{name}.{descriptor}" for name in images for descriptor in image_descriptors.NAMES}
    return {"images": images, "described": described, "named": [each.name for each in inputs]}
