"""The road of a release: the only code that changes one, with its traffic plan and its audit entry, in one transaction.

    a start by a person: no other release on the endpoint
    │
    ▼
  draft ─────────────────── i cancelled by a person ──────────────────────► cancelled
    │ │
    │ └──────────────────── h it cannot be loaded ────────────────────────────┐
    │ b every live gateway has loaded the candidate                           │
    ▼                                                                         │
  running ◄─┐ c advance to the next step                                      │
    │ │ ▲ └─┘                                                                 ▼
    │ │ └──── f resumed ──────┐                                          rolled_back
    │ └────── e paused ───► paused ── g harm, guard, load error, by hand ─────▲
    │                         │                                               │
    │ ───── g harm, guard, load error, by hand ───────────────────────────────┘
    │ d on evidence, or by hand│ d by hand
    ▼                         ▼
  promoted ◄──────────────────┘

While paused the traffic stays as it is and nothing advances or is promoted by itself; harm still rolls back, because a
pause is for thinking and must not cost callers.

Every move names the state it starts from. If someone else moved the release meanwhile, the move is refused with
ConflictError and nothing is written, so the controller may die, or run twice, at any instant.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import msgspec

from interlock.domain.access import Key
from interlock.domain.errors import ConflictError, NotFoundError
from interlock.domain.release import Decision, Gate, Release, ReleaseState, Verb
from interlock.domain.traffic import TrafficPlan
from interlock.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Mover:
    """Who moves a release, when, why, and with what evidence. `name` and `role` as in the audit log."""

    name: str
    role: str
    at: datetime
    reason: str
    gates: tuple[Gate, ...] = ()

    @classmethod
    def person(cls, key: Key, at: datetime, reason: str, gates: tuple[Gate, ...] = ()) -> Self:
        """Someone with a key."""
        return cls(key.name, key.role, at, reason, gates)


def start(tx: Transaction, release: Release, mover: Mover) -> Release:
    """a: write the draft, and have every gateway load the candidate without giving it traffic."""
    now = tx.plans.current(release.endpoint)
    tx.releases.add(release)
    plan = _write(tx, now, warm=(release.candidate, *_without(now.warm, release.candidate)))
    _audit(tx, "release.start", release, plan, mover)
    return release


def begin(tx: Transaction, release: Release, mover: Mover) -> Release:
    """b: the candidate is loaded everywhere; give it the first share."""
    _expect(tx, release, "draft")
    moved = _to_step(release, 0, mover)
    tx.releases.update(moved)
    now = tx.plans.current(release.endpoint)
    plan = _write(
        tx,
        now,
        challenger=release.candidate,
        traffic_share=moved.traffic_share,
        salt=release.salt,
        release_id=release.id,
        step=0,
        warm=_without(now.warm, release.candidate),
        guard_max_failure_rate=release.plan.guard_max_failure_rate,
    )
    _audit(tx, "release.begin", moved, plan, mover)
    return moved


def advance(tx: Transaction, release: Release, mover: Mover) -> Release:
    """c: give the candidate the next share. No one who has it loses it (`domain.traffic.position`)."""
    _expect(tx, release, "running")
    if release.step + 1 >= len(release.plan.steps) - 1:
        raise ConflictError(f"release {release.id} is at its last gated step; the next one is promotion")
    moved = _to_step(release, release.step + 1, mover)
    tx.releases.update(moved)
    now = tx.plans.current(release.endpoint)
    plan = _write(tx, now, traffic_share=moved.traffic_share, step=moved.step)
    _audit(tx, "release.advance", moved, plan, mover)
    return moved


def promote(tx: Transaction, release: Release, mover: Mover) -> Release:
    """d: the candidate becomes the champion; the old one stays loaded for an instant return."""
    _expect(tx, release, "running", "paused")
    moved = _end(release, "promoted", "promote", mover)
    tx.releases.update(moved)
    now = tx.plans.current(release.endpoint)
    plan = _write(tx, now, champion=release.candidate, warm=(release.champion,), **_NO_CHALLENGER)
    _audit(tx, "release.promote", moved, plan, mover)
    return moved


def pause(tx: Transaction, release: Release, mover: Mover) -> Release:
    """e: the traffic stays as it is; nothing advances or is promoted by itself."""
    return _flip(tx, release, "running", "paused", mover)


def resume(tx: Transaction, release: Release, mover: Mover) -> Release:
    """f: decide again."""
    return _flip(tx, release, "paused", "running", mover)


def roll_back(tx: Transaction, release: Release, mover: Mover) -> Release:
    """g, h: take all traffic from the candidate, with one plan write."""
    _expect(tx, release, "draft", "running", "paused")
    return _withdraw(tx, release, "rolled_back", "release.roll_back", mover)


def cancel(tx: Transaction, release: Release, mover: Mover) -> Release:
    """i: drop a release that has had no traffic yet."""
    _expect(tx, release, "draft")
    return _withdraw(tx, release, "cancelled", "release.cancel", mover)


_NO_CHALLENGER: dict[str, Any] = {
    "challenger": None,
    "traffic_share": 0.0,
    "salt": "",
    "release_id": None,
    "step": None,
}


def _withdraw(tx: Transaction, release: Release, state: ReleaseState, action: str, mover: Mover) -> Release:
    moved = _end(release, state, "roll_back", mover)
    tx.releases.update(moved)
    _audit(tx, action, moved, _plan_without(tx, release), mover)
    return moved


def _plan_without(tx: Transaction, release: Release) -> TrafficPlan | None:
    try:
        now = tx.plans.current(release.endpoint)
    except NotFoundError:
        # The endpoint was deleted meanwhile: there is no traffic to take away.
        return None
    return _write(tx, now, warm=_without(now.warm, release.candidate), **_NO_CHALLENGER)


def _flip(tx: Transaction, release: Release, before: ReleaseState, after: ReleaseState, mover: Mover) -> Release:
    _expect(tx, release, before)
    moved = msgspec.structs.replace(release, state=after)
    tx.releases.update(moved)
    _audit(tx, "release.pause" if after == "paused" else "release.resume", moved, None, mover)
    return moved


def _expect(tx: Transaction, release: Release, *states: ReleaseState) -> None:
    there = tx.releases.get(release.id)
    if there.state not in states:
        raise ConflictError(f"release {release.id} is {there.state}, must be {' or '.join(states)} for this")
    if (there.state, there.step) != (release.state, release.step):
        raise ConflictError(f"release {release.id} moved meanwhile to {there.state}, step {there.step}")


def _to_step(release: Release, step: int, mover: Mover) -> Release:
    return msgspec.structs.replace(
        release,
        state="running",
        step=step,
        step_started_at=mover.at,
        decision=Decision(outcome="advance", reason=mover.reason, at=mover.at),
        gates=mover.gates,
    )


def _end(release: Release, state: ReleaseState, outcome: Verb, mover: Mover) -> Release:
    return msgspec.structs.replace(
        release,
        state=state,
        step=len(release.plan.steps) - 1 if state == "promoted" else release.step,
        decision=Decision(outcome=outcome, reason=mover.reason, at=mover.at),
        gates=mover.gates or release.gates,
        finished_at=mover.at,
    )


def _without(versions: tuple[str, ...], gone: str) -> tuple[str, ...]:
    return tuple(version for version in versions if version != gone)


def _write(tx: Transaction, now: TrafficPlan, **changes: Any) -> TrafficPlan:
    plan = msgspec.structs.replace(now, generation=now.generation + 1, **changes)
    tx.plans.append(plan)
    return plan


def _audit(tx: Transaction, action: str, release: Release, plan: TrafficPlan | None, mover: Mover) -> None:
    details: dict[str, Any] = {
        "release": release.id,
        "candidate": release.candidate,
        "champion": release.champion,
        "state": release.state,
        "step": release.step,
        "traffic_share": release.traffic_share,
        "reason": mover.reason,
    }
    if plan is not None:
        details["generation"] = plan.generation
    if action == "release.start":
        details["plan"] = msgspec.to_builtins(release.plan)
    if mover.gates:
        details["gates"] = msgspec.to_builtins(mover.gates)
    tx.audit.append(mover.at, mover.name, mover.role, action, release.endpoint, details)
