"""Error answers as the exceptions they were at the server: `except NotFoundError` works on both sides of the wire."""

from typing import Any

import msgspec

from interlock.client.connection import Answer
from interlock.domain import errors


class RemoteError(errors.InterlockError):
    """The server's sentence, where its class cannot be made again. `status` is HTTP's."""

    def __init__(self, message: str, status: int) -> None:
        self.status = status
        super().__init__(message)


class RemoteNotFoundError(errors.NotFoundError):
    """What was named does not exist there."""

    def __init__(self, message: str) -> None:
        Exception.__init__(self, message)
        self.kind, self.name, self.known = "", "", ()


class RemoteModelFailedError(errors.ModelFailedError):
    """No version could answer."""

    def __init__(self, message: str, status: str) -> None:
        Exception.__init__(self, message)
        self.version, self.status, self.reason = "", status, message


_BY_STATUS: dict[int, type[errors.InterlockError]] = {
    400: errors.InvalidInputError,
    401: errors.UnauthenticatedError,
    403: errors.ForbiddenError,
    409: errors.ConflictError,
    413: errors.InvalidInputError,
    415: errors.InvalidInputError,
    429: errors.OverloadedError,
    503: errors.OverloadedError,
}


def error_of(answer: Answer) -> errors.InterlockError:
    """The error that an answer of status 400 or more stands for."""
    body = _body(answer)
    message = body.get("detail") or body.get("error") or f"the server answered {answer.status}"
    if not isinstance(message, str):
        message = str(message)
    if body.get("kind") == "UnloadableModelError":
        return errors.UnloadableModelError(message)
    if answer.status == 404:
        return RemoteNotFoundError(message)
    if answer.status == 400 and isinstance(body.get("faults"), list):
        return errors.InvalidInputError(*body["faults"])
    if answer.status in (500, 504) and "error" in body:
        return RemoteModelFailedError(message, "timeout" if answer.status == 504 else "model_error")
    kind = _BY_STATUS.get(answer.status)
    return kind(message) if kind is not None else RemoteError(message, answer.status)


def _body(answer: Answer) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        return {}
    return body if isinstance(body, dict) else {}
