import msgspec
import pytest

from interlock.domain.errors import (
    DeadlineExceededError,
    ForbiddenError,
    InvalidInputError,
    ModelFailedError,
    NotFoundError,
    OverloadedError,
    UnauthenticatedError,
    UnrecordedError,
)
from interlock.gateway.errors import RequestFailedError, answer_of, failure_of


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (InvalidInputError("x"), 400, "BAD_REQUEST"),
        (UnauthenticatedError("x"), 401, "UNAUTHENTICATED"),
        (ForbiddenError("x"), 403, "PERMISSION_DENIED"),
        (NotFoundError("endpoint", "x"), 404, "RESOURCE_DOES_NOT_EXIST"),
        (OverloadedError("x", 7), 503, "TEMPORARILY_UNAVAILABLE"),
        (RequestFailedError(UnrecordedError("disk full"), "r"), 503, "TEMPORARILY_UNAVAILABLE"),
        (RequestFailedError(DeadlineExceededError("m:1", 5), "r"), 504, "DEADLINE_EXCEEDED"),
        (RequestFailedError(ModelFailedError("m:1", "breaker_open", "queue"), "r"), 503, "TEMPORARILY_UNAVAILABLE"),
        (RequestFailedError(ModelFailedError("m:1", "model_error", "secret"), "r"), 500, "INTERNAL_ERROR"),
        (ValueError("secret"), 500, "INTERNAL_ERROR"),
    ],
)
def test_status_tells_whose_fault_it_was(error: Exception, status: int, code: str) -> None:
    answer = answer_of(failure_of(error), mlflow=True)
    body = msgspec.json.decode(answer.body)
    assert (answer.status, body["error_code"]) == (status, code)
    assert "secret" not in body["error"]
    assert ((b"retry-after", b"7") in answer.headers) == isinstance(error, OverloadedError)
    assert (b"retry-after" in dict(answer.headers)) == (status == 503)


def test_open_inference_errors_have_one_field() -> None:
    answer = answer_of(failure_of(InvalidInputError("a", "b")), mlflow=False)
    assert answer.body == b'{"error":"a; b"}'
