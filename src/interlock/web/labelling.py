"""Rows that people are asked to label: what was drawn, how much of it is answered, files for annotators; a new draw.

The page of errors sends rows here. Answers come back by `interlock annotate import`.
"""

from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from interlock.api.access import needs
from interlock.api.rendering import plain
from interlock.api.services import Given
from interlock.client import annotation_tasks
from interlock.domain.errors import InvalidInputError
from interlock.domain.row_condition import parse
from interlock.predictions.unlabelled import Chosen
from interlock.web.access import Form, PageRoute, Present
from interlock.web.rendering import show

router = APIRouter(prefix="/endpoints/{endpoint}/labelling", route_class=PageRoute, include_in_schema=False)

_TICK = "row."
_FILES = {"label-studio": ("json", "application/json"), "csv": ("csv", "text/csv; charset=utf-8")}


@router.get("", **needs("read"))
def page(request: Request, endpoint: str, visitor: Present, services: Given, made: int = 0) -> Response:
    """The page. `made`: the draw that somebody has just made."""
    found = services.annotations.overview(endpoint)
    return show(
        request,
        "labelling.html",
        endpoint=endpoint,
        exports=found["exports"][::-1],
        agreement=found["agreement"],
        made=made,
        may_operate=visitor.may("operate", endpoint),
    )


@router.get("/{id}/{form}", **needs("read"))
def tasks(endpoint: str, id: int, form: Literal["label-studio", "csv", "config"], services: Given) -> Response:
    """The tasks of a draw as a file for annotators. What the model answered is not in it."""
    if form == "config":
        content = annotation_tasks.labelling_config(services.annotations.drawn(endpoint, id)["question"]).encode()
        return _file(content, f"{endpoint}-label-studio.xml", "application/xml")
    ending, media_type = _FILES[form]
    content = annotation_tasks.encoded(plain(services.annotations.drawn(endpoint, id)), form)
    return _file(content, f"{endpoint}-tasks-{id}.{ending}", media_type)


@router.post("", **needs("operate"))
def draw(endpoint: str, form: Form, visitor: Present, services: Given) -> Response:
    """Draw rows for people: those that are ticked or like a filter come first, of the others some by chance."""
    ids = tuple(name.removeprefix(_TICK) for name in form if name.startswith(_TICK))
    conditions = () if ids else parse(form.get("where", ""))
    found = services.annotations.export(
        endpoint,
        _budget(form.get("budget", "")),
        actor=visitor.key,
        since=_time(form.get("since", "")),
        until=_time(form.get("until", "")),
        chosen=Chosen(conditions, ids) if ids or conditions else None,
    )
    if not found["tasks"]:
        raise InvalidInputError("nothing to label: every row of that time has a label, or was drawn before")
    return RedirectResponse(f"/endpoints/{endpoint}/labelling?made={found['export']['id']}", 303)


def _budget(text: str) -> int:
    if not text.strip().isdecimal():
        raise InvalidInputError(f"rows == {text[:20]!r}, must be a whole number")
    return int(text)


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError as error:
        raise InvalidInputError(f"time == {text[:40]!r}, must be ISO 8601") from error


def _file(content: bytes, name: str, media_type: str) -> Response:
    return Response(content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})
