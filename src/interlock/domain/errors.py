"""What can go wrong, named by what happened.

A class carries its fields and knows no HTTP: `gateway.errors` and `api.problems` each hold one table from class to
status. Messages say name, value, rule and what to do.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class InterlockError(Exception):
    """Root of every error that is ours to explain to a user."""


class NotFoundError(InterlockError):
    """Something that was named does not exist."""

    def __init__(self, kind: str, name: str, known: Sequence[str] = ()) -> None:
        self.kind, self.name, self.known = kind, name, tuple(known)
        there = f"; there is: {', '.join(known[:20])}" if known else ""
        super().__init__(f"{kind} {name!r} does not exist{there}")


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """A rule that input broke, in few enough words to be counted.

    Args:
        field: The contract's field; empty if it is about the whole request.
        rule: `missing`, `unknown`, `twice`, `datatype`, `shape`, `rows`, `value`, `declared`, or `form`.
    """

    field: str = ""
    rule: str = "form"


class InvalidInputError(InterlockError):
    """Input breaks a rule. All faults at once, one sentence each; `rules` says the same for counting."""

    def __init__(self, *faults: str, rules: Sequence[BrokenRule] = ()) -> None:
        self.faults, self.rules = faults, tuple(rules) or (BrokenRule(),)
        super().__init__("; ".join(faults))


class ConflictError(InterlockError):
    """What is asked for does not fit what is there now (a name taken, a release already running)."""


class UnloadableModelError(InterlockError):
    """A file or folder is not a model that can be served, and why."""


class ModelFailedError(InterlockError):
    """The model raised, died, or answered outside its contract. Never the caller's fault."""

    def __init__(self, version: str, status: str, reason: str) -> None:
        self.version, self.status, self.reason = version, status, reason
        super().__init__(f"model {version} failed ({status}): {reason}")


class DeadlineExceededError(ModelFailedError):
    """The model did not answer within the deadline."""

    def __init__(self, version: str, deadline_ms: float) -> None:
        self.deadline_ms = deadline_ms
        super().__init__(version, "timeout", f"no answer within {deadline_ms:g} ms")


class RunnerLostError(ModelFailedError):
    """The model's process died while it held the request. Another may answer it."""

    def __init__(self, version: str) -> None:
        super().__init__(version, "model_error", "its process died during the request")


class OverloadedError(InterlockError):
    """Too much is waiting; the caller may try again after `retry_after_seconds`."""

    def __init__(self, message: str, retry_after_seconds: float = 1.0) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(message)


class StoreUnavailableError(OverloadedError):
    """The control plane's database does not answer. Serving goes on without it; everything else is tried again."""


class UnrecordedError(InterlockError):
    """A record could not be written (disk full), so the answer is withheld."""


class UnauthenticatedError(InterlockError):
    """No key, or one that is not known."""


class ForbiddenError(InterlockError):
    """The key is known and may not do this."""


class NotDeliveredError(InterlockError):
    """A channel did not take a notice, and why."""


class HomeError(InterlockError):
    """The home folder cannot be used: locked, newer than this program, or not writable."""


class ServerUnreachableError(InterlockError):
    """No Interlock answers at the address."""
