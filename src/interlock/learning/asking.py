"""A run is asked for: by a person, by a trigger, or once more. In the caller's transaction."""

from dataclasses import dataclass

from interlock.domain.access import Role
from interlock.domain.errors import ConflictError
from interlock.domain.retraining import Mode, Retraining
from interlock.domain.run import GAVE_A_VERSION, Run
from interlock.learning import run_road
from interlock.learning.run_road import Mover
from interlock.store.transaction import Transaction

DRIFT = "drift"
"""How causes begin after which a `blend` begins anew: what was learnt of another world is a burden."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for.

    Args:
        settings: As declared.
        mode: `blend` is resolved here.
        cause: Why.
        wants_release: Whether a version that passes is released.
        pin: What to learn from; empty for what the log holds then.
    """

    settings: Retraining
    mode: Mode
    cause: str
    wants_release: bool
    pin: str = ""


def ask(tx: Transaction, endpoint: str, asked: Asked, mover: Mover) -> Run:
    """Write a queued run.

    Raises:
        ConflictError: The endpoint has an active run.
    """
    number = tx.runs.next_number(endpoint)
    run = Run(
        id=f"{endpoint}-run-{number}",
        endpoint=endpoint,
        number=number,
        state="queued",
        settings=asked.settings,
        mode=_resolved(tx, endpoint, asked),
        cause=asked.cause,
        created_at=mover.at,
        created_by=mover.name,
        role=_role(mover.role),
        parent=tx.plans.current(endpoint).champion,
        wants_release=asked.wants_release,
        pin=asked.pin,
    )
    return run_road.ask(tx, run, mover)


def check_free(tx: Transaction, endpoint: str) -> None:
    """Pass if a release could begin on an endpoint.

    Raises:
        ConflictError: One is active.
    """
    for release in tx.releases.active(endpoint):
        raise ConflictError(
            f"endpoint {endpoint!r} has release {release.id} ({release.state}), and another could not begin; "
            "wait for its end, or ask without a release"
        )


def _resolved(tx: Transaction, endpoint: str, asked: Asked) -> Mode:
    """What `blend` comes to: fine-tune, but begin anew every so many versions, and after drift."""
    if asked.mode != "blend":
        return asked.mode
    if asked.cause.startswith(DRIFT):
        return "scratch"
    since = 0
    for run in reversed([run for run in tx.runs.list(endpoint) if run.state in GAVE_A_VERSION]):
        if run.mode == "scratch":
            break
        since += 1
    return "scratch" if since >= asked.settings.scratch_every - 1 else "fine_tune"


def _role(role: str) -> Role:
    """The role that a run acts with: a person's own; triggers act as operators do."""
    known: dict[str, Role] = {"approver": "approver", "admin": "admin"}
    return known.get(role, "operator")
