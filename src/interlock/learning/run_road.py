"""The road of a run: the only code that changes one, each change with its audit entry in one transaction.

    a asked for: no other run on the endpoint
    │
    ▼
  queued ─ b begun ─► training ─ c a model is there ─► judging ─ d not worse, and registered ─► registered
    ▲                    │   │                           │   │                                   │     │
    │                    │   └─ h no data, no model, ────┤   └─ g worse, or ─► rejected   e its  │     │ f none
    │                    │        or a limit             ▼        breaks callers         release │     │ wanted, or
    └─ j server died ────┴── (also from judging)       failed                            started ▼     ▼ refused
       in the first attempt                                                              released    kept

  queued, training, judging ── i cancelled ──► cancelled
  training, judging ── k the server died again ──► interrupted

A version is added in the transaction that makes its run `registered`: whoever dies, there is never a version whose run
does not know it, nor the other way round. Every move names the state it starts from; if someone else moved the run
meanwhile it is refused with ConflictError and nothing is written, so that a process which was given up cannot register.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from interlock.domain.errors import ConflictError
from interlock.domain.run import Judgement, Run, RunState
from interlock.store.transaction import Transaction

ATTEMPTS = 2
"""How often a run is begun whose server died."""


@dataclass(frozen=True, slots=True)
class Mover:
    """Who moves a run, and when. `name` and `role` as in the audit log."""

    name: str
    role: str
    at: datetime


def ask(tx: Transaction, run: Run, mover: Mover) -> Run:
    """a: write a queued run.

    Raises:
        ConflictError: The endpoint has an active run.
    """
    tx.runs.add(run)
    details = {"cause": run.cause, "mode": run.mode, "trainer": run.settings.trainer, "parent": run.parent}
    _audit(tx, "run.ask", run, mover, {**details, "wants_release": run.wants_release, "pin": run.pin})
    return run


def begin(tx: Transaction, run: Run, mover: Mover, place: str) -> Run:
    """b: somebody works on it."""
    run = _expect(tx, run, "queued")
    moved = _moved(run, "training", started_at=mover.at, seen_at=mover.at, place=place, stage="reading")
    return _write(tx, "run.begin", moved, mover, {"attempt": run.attempt})


def trained(tx: Transaction, run: Run, mover: Mover, metrics: dict[str, float]) -> Run:
    """c: the trainer has made a model."""
    run = _expect(tx, run, "training")
    moved = _moved(run, "judging", stage="examining", progress=None, told="", metrics=metrics, seen_at=mover.at)
    return _write(tx, "run.trained", moved, mover, {"metrics": metrics})


def register(tx: Transaction, run: Run, mover: Mover, judgement: Judgement, version: str) -> Run:
    """d: it is not worse; in the transaction that adds the version."""
    run = _expect(tx, run, "judging")
    if run.cancelled_by:
        raise ConflictError(f"run {run.id} was cancelled by {run.cancelled_by}")
    moved = _moved(run, "registered", judgement=judgement, version=version, reason=judgement.reason, stage="")
    details = {"version": version, "judgement": msgspec.to_builtins(judgement)}
    return _write(tx, "run.register", moved, mover, details)


def release(tx: Transaction, run: Run, mover: Mover, release_id: str) -> Run:
    """e: its version is on the road of its endpoint."""
    run = _expect(tx, run, "registered")
    moved = _moved(run, "released", release_id=release_id, ended_at=mover.at)
    return _write(tx, "run.release", moved, mover, {"version": run.version, "release": release_id})


def keep(tx: Transaction, run: Run, mover: Mover, reason: str) -> Run:
    """f: its version is registered, and nobody released it."""
    run = _expect(tx, run, "registered")
    return _end(tx, run, mover, "kept", f"{run.reason}; {reason}", "run.keep")


def reject(tx: Transaction, run: Run, mover: Mover, reason: str, judgement: Judgement | None = None) -> Run:
    """g: its model is not registered."""
    run = _expect(tx, run, "judging")
    return _end(tx, msgspec.structs.replace(run, judgement=judgement), mover, "rejected", reason, "run.reject")


def fail(tx: Transaction, run: Run, mover: Mover, reason: str) -> Run:
    """h: there is no model to judge, or it could not be judged."""
    run = _expect(tx, run, "training", "judging")
    return _end(tx, run, mover, "failed", reason, "run.fail")


def cancel(tx: Transaction, run: Run, mover: Mover) -> Run:
    """i: somebody wanted it ended."""
    run = _expect(tx, run, "queued", "training", "judging")
    by = run.cancelled_by or mover.name
    return _end(
        tx, msgspec.structs.replace(run, cancelled_by=by), mover, "cancelled", f"cancelled by {by}", "run.cancel"
    )


def want_cancelled(tx: Transaction, run: Run, mover: Mover) -> Run:
    """Have the controller end a run that works. No move yet: `cancel` is."""
    run = _expect(tx, run, "training", "judging")
    return _write(tx, "run.cancel_asked", msgspec.structs.replace(run, cancelled_by=mover.name), mover, {})


def lose(tx: Transaction, run: Run, mover: Mover) -> Run:
    """j, k: the server died while it ran."""
    run = _expect(tx, run, "training", "judging")
    if run.attempt >= ATTEMPTS:
        reason = f"the server died while it ran, {run.attempt} times; `interlock run rerun {run.id}` tries once more"
        return _end(tx, run, mover, "interrupted", reason, "run.interrupt")
    again = _moved(run, "queued", attempt=run.attempt + 1, stage="", progress=None, told="", place="", metrics={})
    return _write(tx, "run.again", again, mover, {"attempt": again.attempt})


def note(tx: Transaction, run: Run, at: datetime, **facts: Any) -> Run:
    """Write down how far it is. No move, and no audit entry.

    Raises:
        ConflictError: It does not run any more.
    """
    run = _expect(tx, run, "training", "judging")
    noted = msgspec.structs.replace(run, seen_at=at, **facts)
    tx.runs.update(noted)
    return noted


def track(tx: Transaction, run: Run, facts: dict[str, Any]) -> Run:
    """Write down where a tracking server has it, or why it has not. No move, and no audit entry."""
    tracked = msgspec.structs.replace(tx.runs.get(run.id), tracked=facts)
    tx.runs.update(tracked)
    return tracked


def _end(tx: Transaction, run: Run, mover: Mover, state: RunState, reason: str, action: str) -> Run:
    ended = _moved(run, state, reason=reason, ended_at=mover.at, stage="", progress=None)
    details: dict[str, Any] = {"reason": reason}
    if run.judgement is not None:
        details["judgement"] = msgspec.to_builtins(run.judgement)
    return _write(tx, action, ended, mover, details)


def _moved(run: Run, state: RunState, **changes: Any) -> Run:
    return msgspec.structs.replace(run, state=state, **changes)


def _write(tx: Transaction, action: str, run: Run, mover: Mover, details: dict[str, Any]) -> Run:
    tx.runs.update(run)
    _audit(tx, action, run, mover, details)
    return run


def _audit(tx: Transaction, action: str, run: Run, mover: Mover, details: dict[str, Any]) -> None:
    tx.audit.append(mover.at, mover.name, mover.role, action, run.endpoint, {"run": run.id, **details})


def _expect(tx: Transaction, run: Run, *states: RunState) -> Run:
    """The run as it is stored now, if it still is where the mover thinks."""
    now = tx.runs.get(run.id)
    if now.state not in states or now.attempt != run.attempt:
        raise ConflictError(
            f"run {run.id} is {now.state} (attempt {now.attempt}), and this needs it {' or '.join(states)} "
            f"(attempt {run.attempt})"
        )
    return now
