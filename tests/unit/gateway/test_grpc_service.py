import pytest

pytest.importorskip("grpc")

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
from interlock.gateway import grpc_service
from interlock.gateway.errors import RefusedError, RequestFailedError, failure_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Ended(Exception):
    """What gRPC raises from `abort`."""


class Context:
    """Notes how a call ends."""

    def __init__(self) -> None:
        self.code, self.message, self.metadata = "", "", dict[str, str]()

    async def abort(self, code: object, message: str, metadata: tuple[tuple[str, str], ...]) -> None:
        self.code, self.message, self.metadata = getattr(code, "name", ""), message, dict(metadata)
        raise Ended


def failed(cause: InterlockError) -> RequestFailedError:
    return RequestFailedError(cause, "r")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidInputError("x"), "INVALID_ARGUMENT"),
        (UnauthenticatedError("x"), "UNAUTHENTICATED"),
        (ForbiddenError("x"), "PERMISSION_DENIED"),
        (NotFoundError("endpoint", "x"), "NOT_FOUND"),
        (RefusedError(413, "too_large", "x"), "RESOURCE_EXHAUSTED"),
        (RefusedError(501, "unsupported", "x"), "UNIMPLEMENTED"),
        (OverloadedError("x", 7), "UNAVAILABLE"),
        (failed(UnrecordedError("disk full")), "UNAVAILABLE"),
        (failed(ModelFailedError("m:1", "breaker_open", "queue")), "UNAVAILABLE"),
        (failed(DeadlineExceededError("m:1", 5)), "DEADLINE_EXCEEDED"),
        (failed(ModelFailedError("m:1", "model_error", "secret")), "INTERNAL"),
        (ValueError("secret"), "INTERNAL"),
    ],
)
async def test_codes_tell_whose_fault_it_was_and_whether_to_come_again(error: Exception, code: str) -> None:
    context = Context()
    with pytest.raises(Ended):
        await grpc_service._abort(context, failure_of(error))
    assert context.code == code
    assert "secret" not in context.message
    assert ("grpc-retry-pushback-ms" in context.metadata) == (code == "UNAVAILABLE")
    assert context.metadata.get("retry-after") == ("7" if isinstance(error, OverloadedError) else None) or (
        code == "UNAVAILABLE" and context.metadata["retry-after"] == "1"
    )


def test_only_metadata_with_a_meaning_are_kept() -> None:
    given = (("authorization", "Bearer k"), ("x-interlock-key-bin", "zoë".encode()), ("cookie", "c"), ("grpc-x", "y"))
    assert grpc_service.headers_of(given) == {b"authorization": b"Bearer k", b"x-interlock-key": "zoë".encode()}
    assert grpc_service.headers_of(None) == {}
