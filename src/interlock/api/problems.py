"""Errors as RFC 9457 problem documents: one table from class to status, an id to find the log line, no internals."""

import logging
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from interlock.domain import errors

log = logging.getLogger(__name__)

# The first that fits counts, so a subclass stands before its parent.
STATUS: tuple[tuple[type[errors.InterlockError], int], ...] = (
    (errors.NotFoundError, 404),
    (errors.InvalidInputError, 400),
    (errors.UnloadableModelError, 400),
    (errors.ConflictError, 409),
    (errors.UnauthenticatedError, 401),
    (errors.ForbiddenError, 403),
    (errors.OverloadedError, 503),
    (errors.UnrecordedError, 503),
    (errors.DeadlineExceededError, 504),
    (errors.ModelFailedError, 500),
    (errors.ServerUnreachableError, 502),
    (errors.NotDeliveredError, 502),
    (errors.HomeError, 500),
)


def status_of(error: errors.InterlockError) -> int:
    """The HTTP status that tells a client what kind of error it is."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def problem(status: int, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """A problem document. `more` are members of its own kind, such as `faults`."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": f"urn:uuid:{uuid.uuid4()}",
        **more,
    }
    return Response(msgspec.json.encode(body), status, headers=headers, media_type="application/problem+json")


def install(app: FastAPI) -> None:
    """Make every error of the app a problem document."""
    app.add_exception_handler(errors.InterlockError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, http)


def explain(error: errors.InterlockError) -> Response:
    """The problem document of one of our errors."""
    headers = {}
    if isinstance(error, errors.UnauthenticatedError):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, errors.OverloadedError):
        headers["Retry-After"] = f"{max(1, round(error.retry_after_seconds))}"
    more = {"faults": list(error.faults)} if isinstance(error, errors.InvalidInputError) else {}
    return problem(status_of(error), str(error), headers=headers, kind=type(error).__name__, **more)


async def _ours(request: Request, error: Exception) -> Response:  # noqa: ARG001
    if not isinstance(error, errors.InterlockError):
        raise error
    return explain(error)


async def _invalid(request: Request, error: Exception) -> Response:  # noqa: ARG001
    if not isinstance(error, RequestValidationError):
        raise error
    # Not `input`: a problem document repeats no data.
    faults = [f"{'.'.join(map(str, fault['loc'][1:])) or 'body'}: {fault['msg']}" for fault in error.errors()]
    return problem(400, "; ".join(faults), kind="InvalidInputError", faults=faults)


async def http(request: Request, error: Exception) -> Response:
    """The problem document of an error that HTTP has a word for, as where there is no route."""
    if not isinstance(error, HTTPException):
        raise error
    detail = {
        404: f"there is no {request.url.path}; see /api/v1/docs for what there is",
        405: f"{request.method} is not possible on {request.url.path}; see /api/v1/docs for what is",
    }.get(error.status_code, str(error.detail))
    return problem(error.status_code, detail, headers=error.headers)


def note(request: Request, error: Exception) -> str:
    """Log an error that is not ours to explain.

    Returns:
        The id that the log has it under, for the answer.
    """
    answer_id = f"urn:uuid:{uuid.uuid4()}"
    log.error("%s %s failed, %s", request.method, request.url.path, answer_id, exc_info=error)
    return answer_id


def unexpected(answer_id: str) -> Response:
    """The problem document of an error that was noted."""
    return problem(500, "an error inside Interlock; its log has more under the id of this answer", instance=answer_id)
