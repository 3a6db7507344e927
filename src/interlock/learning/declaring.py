"""What may be declared of retraining on this server, and writing it down. In the caller's transaction."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from interlock.domain.access import Act
from interlock.domain.errors import InvalidInputError
from interlock.domain.retraining import Retraining
from interlock.store.transaction import Transaction

CheckRoad = Callable[[str, str | None, Mapping[str, Any]], object]
"""Raises InvalidInputError if an endpoint's strategy, or the one that is named, has no such plan."""


def put(tx: Transaction, endpoint: str, declared: Retraining | None, act: Act) -> None:
    """Put a declaration in the place of the one before, or take it away.

    Raises:
        NotFoundError: No such endpoint.
    """
    if declared is not None:
        tx.endpoints.get(endpoint)
    tx.retrainings.set(endpoint, declared)
    details = {"trainer": declared.trainer, "code": declared.code, "mode": declared.mode} if declared else {}
    action = "retraining.declare" if declared else "retraining.withdraw"
    tx.audit.append(act.at, act.actor.name, act.actor.role, action, endpoint, details)


def check_there(settings: Retraining) -> None:
    """Pass if all that is named is there.

    Raises:
        InvalidInputError: With every path that is not.
    """
    faults = []
    if settings.code is not None and not (Path(settings.code).is_absolute() and Path(settings.code).is_dir()):
        faults.append(f"code == {settings.code!r}, must be the absolute path of a folder on the server's machine")
    faults += [
        f"references.{name} == {path!r}, must be the absolute path of a file on the server's machine"
        for name, path in settings.references.items()
        if not (Path(path).is_absolute() and Path(path).exists())
    ]
    if faults:
        raise InvalidInputError(*faults)
