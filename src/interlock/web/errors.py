"""Errors of an endpoint: wrong and unsure answers, with what was asked; tags by hand, and what they explain.

Which rows are meant stands in the address. The log filters, sorts and pages; the store has the tags.
"""

from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import Field

from interlock.api.access import needs
from interlock.api.errors import Asked as AskedRows
from interlock.api.services import Given, Services
from interlock.domain.errors import InvalidInputError, NotFoundError
from interlock.domain.row_condition import Condition, spell
from interlock.monitoring import error_slices
from interlock.predictions.mistakes import Question
from interlock.stats import image_descriptors
from interlock.web import error_sheet
from interlock.web.access import Form, PageRoute, Present
from interlock.web.rendering import show

router = APIRouter(prefix="/endpoints/{endpoint}", route_class=PageRoute, include_in_schema=False)

_ROWS_A_PAGE = 50
# Of a row on a page of many: 200 inputs of 50 rows are ten thousand places to draw. A page of the row has all.
_INPUTS = 24
_MOST_EXPORTED = 10_000
_IMAGE_TYPES = {"png": "image/png", "jpeg": "image/jpeg"}
_TICK = "row."


class Asked(AskedRows):
    """What the address says: which rows, and the page of them, from 1."""

    page: int = Field(1, ge=1, le=100_000)

    def query(self, **changes: object) -> str:
        """This, with changes, as the query of an address; what is as by default is left out."""
        defaults = {name: each.default for name, each in Asked.model_fields.items()}
        given = {**self.model_dump(), **({} if "page" in changes else {"page": 1}), **changes}
        return urlencode({name: value for name, value in given.items() if value != defaults.get(name)})


@router.get("/errors", **needs("read"))
def page(
    request: Request, endpoint: str, asked: Annotated[Asked, Query()], visitor: Present, services: Given
) -> Response:
    """The page."""
    analysis = services.errors
    wanted = asked.wanted(endpoint, offset=(asked.page - 1) * _ROWS_A_PAGE, limit=_ROWS_A_PAGE)
    question = analysis.question(replace(wanted, most_inputs=_INPUTS))
    explained = analysis.explain(question)
    matching = explained.matching
    return show(
        request,
        "errors.html",
        endpoint=endpoint,
        asked=asked,
        question=question,
        is_regressor=explained.is_regressor,
        totals=explained.totals,
        matching=matching,
        pages=max(1, -(-matching // _ROWS_A_PAGE)),
        rows=analysis.rows(question),
        tags=explained.tags,
        known_tags=[each.name for each in analysis.tagged(endpoint)],
        may_tag=visitor.may("label", endpoint),
        may_operate=visitor.may("operate", endpoint),
        sent_where=_sent(question),
        has_sheets=error_sheet.has_xlsx(),
        **_contract(services, endpoint),
    )


@router.get("/errors/rows/{prediction_id}", **needs("read"))
def row(
    request: Request, endpoint: str, prediction_id: str, asked: Annotated[Asked, Query()], services: Given
) -> Response:
    """One row of the window with all that was asked."""
    found = services.errors.row(services.errors.question(asked.wanted(endpoint)), prediction_id)
    return show(
        request, "error_row.html", endpoint=endpoint, asked=asked, row=found, **_contract(services, endpoint)
    )  # fmt: skip


@router.get("/errors/slices", **needs("read"))
def slices(
    request: Request, endpoint: str, asked: Annotated[Asked, Query()], visitor: Present, services: Given
) -> Response:
    """Slices in which errors concentrate: a page of its own, since it looks through thousands of them."""
    question = services.errors.question(asked.wanted(endpoint))
    return show(
        request,
        "slices.html",
        endpoint=endpoint,
        asked=asked,
        question=question,
        is_regressor=services.reader.mistakes.answers(endpoint).is_regressor,
        slices=services.errors.slices(question),
        alpha=error_slices.ALPHA,
        fewest=error_slices.FEWEST,
        spell=spell,
        may_operate=visitor.may("operate", endpoint),
    )


@router.get("/errors/export", **needs("read"))
def export(endpoint: str, asked: Annotated[Asked, Query()], services: Given, format: str = "csv") -> Response:
    """The same rows as a file, at most ten thousand of them."""
    rows = services.errors.rows(services.errors.question(asked.wanted(endpoint, limit=_MOST_EXPORTED)))
    content, media_type = error_sheet.written(format, rows)
    headers = {"Content-Disposition": f'attachment; filename="{endpoint}-errors.{format}"'}
    return Response(content, media_type=media_type, headers=headers)


@router.post("/errors/tags", **needs("label"))
def tag(endpoint: str, form: Form, visitor: Present, services: Given) -> Response:
    """Put a tag on the rows that are ticked, or take it away."""
    ids = [name.removeprefix(_TICK) for name in form if name.startswith(_TICK)]
    change = services.error_tags.remove if form.get("act") == "remove" else services.error_tags.add
    change(endpoint, form.get("tag", "").strip(), ids, actor=visitor.key)
    return RedirectResponse(f"/endpoints/{endpoint}/errors?{form.get('back', '')}", 303)


@router.post("/errors/rules", **needs("operate"))
def rule(endpoint: str, form: Form, visitor: Present, services: Given) -> Response:
    """Keep a rule that tags rows, or forget one."""
    tag = form.get("tag", "").strip()
    if form.get("act") == "remove":
        services.error_rules.remove(endpoint, tag, actor=visitor.key)
    else:
        services.error_rules.put(endpoint, tag, form.get("where", ""), actor=visitor.key)
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


def _sent(question: Question) -> str:
    """What of a question can be asked of rows without a label: what is sent to labelling."""
    asked = [each for each in question.conditions if each.subject not in ("label", "error")]
    if question.shown == "unsure":
        asked.append(Condition("score", "<", f"{question.below:g}"))
    for name, value in (("answer", question.answer), ("version", question.version)):
        if value:
            asked.append(Condition(name, "=", value))
    return spell(asked)


def _contract(services: Services, endpoint: str) -> dict[str, Any]:
    """Inputs to show: those of the champion first, without the descriptors of images."""
    with services.store.read() as tx:
        inputs = tx.models.get(tx.plans.current(endpoint).champion).contract.inputs
    images = {each.name for each in inputs if each.image is not None}
    described = {f"{name}.{descriptor}" for name in images for descriptor in image_descriptors.NAMES}
    return {"images": images, "described": described, "named": [each.name for each in inputs]}
