import msgspec
import pytest

from interlock.api.problems import explain
from interlock.client.connection import Answer
from interlock.client.errors import RemoteError, error_of
from interlock.domain import errors


@pytest.mark.parametrize(
    "error",
    [
        errors.NotFoundError("model", "wine"),
        errors.InvalidInputError("x must be 1", "y must be 2"),
        errors.UnloadableModelError("no model"),
        errors.ConflictError("taken"),
        errors.UnauthenticatedError("no key"),
        errors.ForbiddenError("not you"),
        errors.OverloadedError("later"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_is_the_same_on_both_sides_of_the_wire(error: errors.InterlockError) -> None:
    response = explain(error)
    again = error_of(Answer(status=response.status_code, body=bytes(response.body)))
    assert isinstance(again, type(error))
    assert str(again) == str(error)


def test_faults_stay_apart() -> None:
    response = explain(errors.InvalidInputError("x must be 1", "y must be 2"))
    again = error_of(Answer(status=response.status_code, body=bytes(response.body)))
    assert isinstance(again, errors.InvalidInputError)
    assert again.faults == ("x must be 1", "y must be 2")


@pytest.mark.parametrize(("status", "kind"), [(500, errors.ModelFailedError), (504, errors.ModelFailedError)])
def test_a_gateways_failure_is_the_models(status: int, kind: type[Exception]) -> None:
    assert isinstance(error_of(Answer(status=status, body=msgspec.json.encode({"error": "model failed"}))), kind)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]"])
def test_an_answer_of_another_kind_still_says_its_status(body: bytes) -> None:
    error = error_of(Answer(status=502, body=body))
    assert isinstance(error, RemoteError)
    assert (str(error), error.status) == ("the server answered 502", 502)
