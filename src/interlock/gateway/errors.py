"""From what happened to what the caller is told: one table for the whole data plane.

A fault of the caller is a 4xx that names field, value and rule. A fault of a model or of this server is a 5xx that
names the request's id and nothing from inside. Nothing here lets a broken model look like a bad request.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from interlock.domain.errors import (
    DeadlineExceededError,
    ForbiddenError,
    InterlockError,
    InvalidInputError,
    ModelFailedError,
    NotFoundError,
    OverloadedError,
    UnauthenticatedError,
    UnrecordedError,
)
from interlock.gateway.exchange import JSON, Answer, Headers

log = logging.getLogger(__name__)

_STATUS: tuple[tuple[type[InterlockError], int, str], ...] = (
    (InvalidInputError, 400, "invalid"),
    (UnauthenticatedError, 401, "unauthenticated"),
    (ForbiddenError, 403, "forbidden"),
    (NotFoundError, 404, "not_found"),
    (OverloadedError, 503, "overloaded"),
    (UnrecordedError, 503, "unrecorded"),
    (DeadlineExceededError, 504, "deadline"),
    (ModelFailedError, 500, "model_failed"),
)

# MLflow's names; what is not here is INTERNAL_ERROR.
_MLFLOW_CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    405: "ENDPOINT_NOT_FOUND",
    413: "REQUEST_LIMIT_EXCEEDED",
    415: "INVALID_PARAMETER_VALUE",
    429: "REQUEST_LIMIT_EXCEEDED",
    503: "TEMPORARILY_UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class RefusedError(InterlockError):
    """HTTP itself is at fault: method, host, size or type. Carries its status, and headers for the answer."""

    def __init__(self, status: int, reason: str, message: str, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
        self.status, self.reason, self.headers = status, reason, tuple(headers)
        super().__init__(message)


class UnknownEndpointError(NotFoundError):
    """No such endpoint. Clients of the Open Inference Protocol look for the words it starts with.

    Args:
        known: Those that the caller may know of.
        otherwise: What to say where it may know of none.
    """

    def __init__(self, name: str, known: Sequence[str], otherwise: str = "no endpoint is served yet") -> None:
        super().__init__("endpoint", name, known)
        there = f"there is: {', '.join(known[:20])}" if known else otherwise
        self.args = (f"Request for unknown model: {name[:128]!r} is not an endpoint here; {there}",)


class RequestFailedError(InterlockError):
    """A model failed, or the record could not be written, and nobody else could answer.

    Args:
        cause: What happened.
        request_id: What the caller can quote, and the log knows.
    """

    def __init__(self, cause: InterlockError, request_id: str) -> None:
        self.cause, self.request_id = cause, request_id
        super().__init__(f"{cause} (request {request_id})")


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as the caller sees it. `reason` is its label in the metrics."""

    status: int
    reason: str
    message: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


def failure_of(error: Exception) -> Failure:
    """Look an error up in the table."""
    if isinstance(error, RefusedError):
        return Failure(error.status, error.reason, str(error), error.headers)
    if isinstance(error, RequestFailedError):
        return _request_failed(error)
    for kind, status, reason in _STATUS:
        if isinstance(error, kind):
            return Failure(status, reason, str(error), _headers(status, error))
    log.error("unexpected error while answering", exc_info=error)
    return Failure(500, "internal", "internal error; the server's log has the details")


def failed_attempt(error: Exception) -> ModelFailedError | None:
    """The failure of a model for which a caller got no answer; None if it was something else."""
    if isinstance(error, RequestFailedError) and isinstance(error.cause, ModelFailedError):
        return error.cause
    return None


def _request_failed(error: RequestFailedError) -> Failure:
    cause, quote = error.cause, f"request {error.request_id}"
    if isinstance(cause, DeadlineExceededError):
        return Failure(504, "deadline", f"model {cause.version} gave no answer in {cause.deadline_ms:g} ms ({quote})")
    if isinstance(cause, ModelFailedError) and cause.status == "breaker_open":
        message = f"model {cause.version} takes no requests at the moment, try again later ({quote})"
        return Failure(503, "breaker_open", message, _headers(503, cause))
    if isinstance(cause, ModelFailedError):
        what = f"model {cause.version} failed ({cause.status}); the server's log says why ({quote})"
        return Failure(500, "model_failed", what)
    found = failure_of(cause)
    return Failure(found.status, found.reason, f"{found.message} ({quote})", found.headers)


def _headers(status: int, error: InterlockError) -> tuple[tuple[bytes, bytes], ...]:
    if status == 401:
        return ((b"www-authenticate", b"Bearer"),)
    if status == 503:
        seconds = getattr(error, "retry_after_seconds", 1.0)
        return ((b"retry-after", str(max(1, round(seconds))).encode()),)
    return ()


def answer_of(failure: Failure, *, mlflow: bool) -> Answer:
    """The error's body, in the Open Inference Protocol's shape; on MLflow's routes with its fields too."""
    body: dict[str, str] = {"error": failure.message}
    if mlflow:
        body["error_code"] = _MLFLOW_CODES.get(failure.status, "INTERNAL_ERROR")
        body["message"] = failure.message
    headers: Headers = [JSON, *failure.headers]
    return Answer(msgspec.json.encode(body), failure.status, headers)
