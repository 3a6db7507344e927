"""The prediction log: SQL over it, confined as in `interlock log sql`. What is asked stands in the address."""

from typing import Any

from fastapi import APIRouter, Request, Response

from interlock.api.access import needs
from interlock.api.problems import status_of
from interlock.api.services import Given
from interlock.domain.errors import InterlockError
from interlock.predictions.sql import query
from interlock.web import spreadsheet
from interlock.web.access import PageRoute
from interlock.web.rendering import show

router = APIRouter(prefix="/log", route_class=PageRoute, include_in_schema=False)

_ROWS = 200
_LONGEST_CELL = 200
_EXPORTED = 100_000


@router.get("", **needs("read"))
def page(request: Request, services: Given, sql: str = "") -> Response:
    """The question, and its answer: at most 200 rows, without what still waits in the spool."""
    endpoints = [each["name"] for each in services.endpoints.list()]
    rows: list[dict[str, Any]] = []
    fault, status = "", 200
    if sql.strip():
        try:
            rows = query(services.settings.log, sql, row_limit=_ROWS + 1, endpoints=endpoints)
        except InterlockError as error:
            fault, status = str(error), status_of(error)
    return show(
        request,
        "log.html",
        status=status,
        sql=sql.strip(),
        asked=bool(sql.strip()),
        endpoints=endpoints,
        fault=fault,
        columns=list(rows[0]) if rows else [],
        rows=[[_cell(value) for value in row.values()] for row in rows[:_ROWS]],
        is_cut=len(rows) > _ROWS,
    )


@router.get("/export", **needs("read"))
def export(services: Given, sql: str) -> Response:
    """The answer as a file: at most so many rows, all of each cell."""
    endpoints = [each["name"] for each in services.endpoints.list()]
    rows = query(services.settings.log, sql, row_limit=_EXPORTED, endpoints=endpoints)
    headers = {"Content-Disposition": 'attachment; filename="log.csv"'}
    return Response(spreadsheet.csv_of(rows), media_type="text/csv; charset=utf-8", headers=headers)


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= _LONGEST_CELL else f"{text[:_LONGEST_CELL]}…"
