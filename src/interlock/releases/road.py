"""The road of a release: the only code that changes one, with its traffic plan and its audit entry, in one transaction.

    a start by a person: no other release on the endpoint
    │
    ▼
  draft ──── n loaded, lacks the test or replay asked for ──► testing ── o failed, or cannot be tested ─► rejected
    │                                                     │ │
    │          b, j as from draft, once it has passed ────┘ │
    │                                                       ▼
    ├─────── j loaded, and the plan asks for approval ────► awaiting_approval ◄─────────────┐
    │                                                        │  │                          │
    │ b every live gateway has loaded the candidate          │  └─ l rejected ─► rejected   │
    ▼                                                        │                              │
  running ◄──────── k approved before it began ──────────────┤                              │
    │ │ ▲ └─ c advance to the next step ─► running           │                              │
    │ │ │                                                    │                              │
    │ │ └─ f resumed ── paused, inconclusive                 │                              │
    │ └─── e paused by a person; m no decision by the deadline ─► paused, inconclusive      │
    │ └─── j the evidence speaks for a shadow that nobody has approved ─────────────────────┘
    │                                                        │
    │ d on evidence, or by hand, also from paused and inconclusive
    ▼                                                        │
  promoted ◄──────── k approved after it ran as a shadow ────┘
    │ │
    │ └─ s nothing seen in the time of the watch, t ended by another release or a person ─► promoted, watched no more
    └─── r harm seen in the time of the watch ─► rolled_back

  any of them ── g harm, guard, load error, by hand ─► rolled_back      i by hand before it began ─► cancelled

Where several candidates are compared, a running release stays running when one of them is withdrawn (p) and when a
bandit shares its traffic out anew (q).

While paused, inconclusive or awaiting approval the traffic stays as it is and nothing advances or is promoted by
itself; harm still rolls back, because thinking must not cost callers. A candidate whose plan asks for approval gets no
traffic before somebody else than who started the release has approved; one whose plan asks for an application test or
a replay neither begins nor is asked about before it has passed (`tested`, `replayed`).

After a promotion the traffic plan goes on naming the release for the plan's `watch_hours`: the champion before scores
what its successor answers (`watch`). The state is `promoted` and other releases may start, which ends the watch.

Every move names the state it starts from. If someone else moved the release meanwhile, the move is refused with
ConflictError and nothing is written, so the controller may die, or run twice, at any instant.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Self

import msgspec

from interlock.domain.access import APPROVERS, Key
from interlock.domain.errors import ConflictError, NotFoundError
from interlock.domain.release import Decision, Gate, Release, ReleaseState, Verb, Watch, WatchOutcome
from interlock.domain.traffic import TrafficPlan
from interlock.releases import arms, replayed, slots, tested
from interlock.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Mover:
    """Who moves a release, when, why, and with what evidence. `name` and `role` as in the audit log; `owner` is the
    person behind a key.

    `version`: the candidate that is meant, of several. `shares`: of each candidate, for a move that gives new ones.
    """

    name: str
    role: str
    at: datetime
    reason: str
    gates: tuple[Gate, ...] = ()
    owner: str = ""
    version: str | None = None
    shares: tuple[float, ...] = ()

    @classmethod
    def person(cls, key: Key, at: datetime, reason: str, gates: tuple[Gate, ...] = ()) -> Self:
        """Someone with a key."""
        return cls(key.name, key.role, at, reason, gates, key.owner)


def start(tx: Transaction, release: Release, mover: Mover) -> Release:
    """a: write the draft, and have every gateway load the candidate without giving it traffic."""
    now = tx.plans.current(release.endpoint)
    tx.releases.add(release)
    end_watch(tx, now, mover, f"release {release.id} of {', '.join(release.candidates)} has started")
    plan = _write(tx, now, warm=(*release.candidates, *_without(now.warm, *release.candidates)), **_NO_CHALLENGER)
    _audit(tx, "release.start", release, plan, mover)
    return release


def begin(tx: Transaction, release: Release, mover: Mover) -> Release:
    """b, k: the candidate is loaded everywhere; give it the first share, which is none for a shadow."""
    _expect(tx, release, "draft", "testing", "awaiting_approval")
    _check_prepared(tx, release)
    if release.strategy != "shadow":
        _check_approved(release)
    moved = _to_step(release, 0, mover)
    if release.compares_arms:
        moved = msgspec.structs.replace(moved, stages=(0,), shares=arms.shares_at(release, 0))
    tx.releases.update(moved)
    now = tx.plans.current(release.endpoint)
    plan = _write(
        tx,
        now,
        **_traffic(moved, now),
        salt=release.salt,
        release_id=release.id,
        step=0,
        warm=_without(now.warm, *release.candidates),
        guard_max_failure_rate=release.plan.guard_max_failure_rate,
    )
    _audit(tx, "release.begin", moved, plan, mover)
    return moved


def await_test(tx: Transaction, release: Release, mover: Mover) -> Release:
    """n: wait for the test or the replay that the plan asks for.

    The test is somebody's, or, where the plan names the rows, the controller's, as the replay is.
    """
    _expect(tx, release, "draft")
    moved = _decided(release, "wait", mover)
    waits_for_somebody = release.plan.require_test and release.plan.test_data is None
    action = "release.await_test" if waits_for_somebody else "release.test"
    return _stay(tx, msgspec.structs.replace(moved, state="testing"), action, mover)


def fail(tx: Transaction, release: Release, mover: Mover) -> Release:
    """o: its test says no, or could not be done."""
    _expect(tx, release, "testing")
    return _withdraw(tx, release, "rejected", "release.fail", mover)


def advance(tx: Transaction, release: Release, mover: Mover) -> Release:
    """c: give the candidate the next share. No one who has it loses it (`domain.traffic.position`)."""
    _expect(tx, release, "running")
    if release.step >= release.last_step and (release.strategy != "ab_test" or arms.is_last_stage(release)):
        raise ConflictError(f"release {release.id} is at its last gated step; the next one is promotion")
    moved = _to_step(release, release.step + 1, mover)
    if release.compares_arms:
        stages = (*release.stages, moved.step)
        moved = msgspec.structs.replace(moved, stages=stages, shares=arms.shares_at(release, release.stage + 1))
    return _share_out(tx, moved, "release.advance", mover)


def drop(tx: Transaction, release: Release, mover: Mover) -> Release:
    """p: take all traffic from one of several candidates. Only its own units move, to the champion.

    The last one is rolled back.
    """
    _expect(tx, release, *_UNDER_WAY)
    gone = str(mover.version)
    if gone not in release.remaining:
        raise ConflictError(f"{gone} is no candidate of release {release.id}, or was withdrawn")
    if release.remaining == (gone,):
        return roll_back(tx, release, mover)
    shares = tuple(
        0.0 if version == gone else share for version, share in zip(release.candidates, release.shares, strict=True)
    )
    moved = msgspec.structs.replace(
        _decided(release, "drop", mover),
        step=release.step + 1,
        shares=shares,
        withdrawn={**release.withdrawn, gone: mover.reason},
        winner=None if release.winner == gone else release.winner,
        # Nobody is left to be approved: the test goes on.
        state="running" if release.winner == gone else release.state,
    )
    return _share_out(tx, moved, "release.drop", mover)


def reweigh(tx: Transaction, release: Release, mover: Mover) -> Release:
    """q: give a bandit's candidates new shares."""
    _expect(tx, release, "running")
    moved = msgspec.structs.replace(_decided(release, "reweigh", mover), step=release.step + 1, shares=mover.shares)
    moved = msgspec.structs.replace(moved, reweighed_at=mover.at)
    return _share_out(tx, moved, "release.reweigh", mover)


def promote(tx: Transaction, release: Release, mover: Mover) -> Release:
    """d, k: the candidate becomes the champion; the old one stays loaded for an instant return.

    Raises:
        ConflictError: Several candidates remain, and nobody says which.
    """
    _expect(tx, release, *_UNDER_WAY)
    winner = arms.winner(release, mover.version)
    if release.lacks_approval and mover.role in APPROVERS and not release.is_of(mover.name, mover.owner):
        release = msgspec.structs.replace(release, approved_by=mover.name)  # by promoting it
    _check_approved(release)
    moved = _watched(msgspec.structs.replace(_end(release, "promoted", "promote", mover), winner=winner), mover)
    tx.releases.update(moved)
    now = tx.plans.current(release.endpoint)
    named = {"release_id": moved.id, "step": moved.watch.step} if moved.watch is not None else {}
    plan = _write(tx, now, champion=winner, warm=(release.champion,), **{**_NO_CHALLENGER, **named})
    _audit(tx, "release.promote", moved, plan, mover)
    return moved


def keep(tx: Transaction, release: Release, mover: Mover) -> Release:
    """s: no harm was seen in the time of the watch. The champion before stays loaded, and scores no more."""
    now = _expect_watched(tx, release)
    moved = _watch_over(release, "kept", "keep", mover)
    tx.releases.update(moved)
    _audit(tx, "release.keep", moved, _write(tx, now, **_NO_CHALLENGER), mover)
    return moved


def take_back(tx: Transaction, release: Release, mover: Mover) -> Release:
    """r: harm was seen after the promotion; the champion before is champion again, with one plan write."""
    now = _expect_watched(tx, release)
    moved = _watch_over(_end(release, "rolled_back", "roll_back", mover), "rolled_back", "roll_back", mover)
    tx.releases.update(moved)
    warm = _without(now.warm, release.champion)
    plan = _write(tx, now, champion=release.champion, warm=warm, **_NO_CHALLENGER)
    _audit(tx, "release.roll_back", moved, plan, mover)
    return moved


def end_watch(tx: Transaction, now: TrafficPlan, mover: Mover, why: str) -> None:
    """t: watch an endpoint's last promotion no more, if it is watched. The caller writes the traffic plan that says so.

    Args:
        now: The traffic plan of the endpoint, before that.
        why: What ends the watch.
    """
    if now.release_id is None or now.challengers:
        return
    release = tx.releases.get(now.release_id)
    if release.is_watched:
        said = replace(mover, reason=f"the promotion of {release.promoted} is watched no more: {why}")
        moved = _watch_over(release, "ended", "keep", said)
        tx.releases.update(moved)
        _audit(tx, "release.end_watch", moved, None, said)


def pause(tx: Transaction, release: Release, mover: Mover) -> Release:
    """e: the traffic stays as it is; nothing advances or is promoted by itself."""
    _expect(tx, release, "running")
    return _stay(tx, msgspec.structs.replace(release, state="paused"), "release.pause", mover)


def resume(tx: Transaction, release: Release, mover: Mover) -> Release:
    """f: decide again. The step has its whole time once more."""
    _expect(tx, release, "paused", "inconclusive")
    moved = msgspec.structs.replace(release, state="running", step_started_at=mover.at)
    return _stay(tx, moved, "release.resume", mover)


def ask(tx: Transaction, release: Release, mover: Mover) -> Release:
    """j: nothing goes on before a person has looked."""
    _expect(tx, release, "draft", "testing", "running")
    if not release.has_begun:
        _check_prepared(tx, release)
    moved = _decided(release, "ask", mover)
    moved = msgspec.structs.replace(moved, state="awaiting_approval", winner=mover.version)
    return _stay(tx, moved, "release.ask", mover)


def approve(tx: Transaction, release: Release, mover: Mover) -> Release:
    """k: it begins, or, if it ran as a shadow, becomes the champion.

    Raises:
        ConflictError: Who approves has started the release, with this key or another.
    """
    _expect(tx, release, "awaiting_approval")
    if release.is_of(mover.name, mover.owner):
        by = _starter(release, mover)
        raise ConflictError(f"release {release.id} was started by {by}, and somebody else must approve it")
    approved = msgspec.structs.replace(release, approved_by=mover.name)
    _audit(tx, "release.approve", approved, None, mover)
    return (promote if release.has_begun else begin)(tx, approved, mover)


def reject(tx: Transaction, release: Release, mover: Mover) -> Release:
    """l: a person has looked, and says no."""
    _expect(tx, release, "awaiting_approval")
    return _withdraw(tx, release, "rejected", "release.reject", mover)


def hold(tx: Transaction, release: Release, mover: Mover) -> Release:
    """m: the evidence did not decide in time; the traffic stays, and a person decides."""
    _expect(tx, release, "running")
    moved = _decided(release, "hold", mover)
    return _stay(tx, msgspec.structs.replace(moved, state="inconclusive"), "release.hold", mover)


def roll_back(tx: Transaction, release: Release, mover: Mover) -> Release:
    """g: take all traffic from the candidate, with one plan write."""
    _expect(tx, release, "draft", "testing", "awaiting_approval", "running", "paused", "inconclusive")
    return _withdraw(tx, release, "rolled_back", "release.roll_back", mover)


def cancel(tx: Transaction, release: Release, mover: Mover) -> Release:
    """i: drop a release that has not begun yet."""
    _expect(tx, release, "draft", "testing", "awaiting_approval")
    return _withdraw(tx, release, "cancelled", "release.cancel", mover)


_UNDER_WAY: tuple[ReleaseState, ...] = ("running", "paused", "inconclusive", "awaiting_approval")

_NO_CHALLENGER: dict[str, Any] = {
    "challenger": None,
    "traffic_share": 0.0,
    "arms": (),
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
    return _write(tx, now, warm=_without(now.warm, *release.candidates), **_NO_CHALLENGER)


def _watched(promoted: Release, mover: Mover) -> Release:
    """A promoted release as its plan has it watched, or not."""
    hours = promoted.plan.watch_hours
    if hours <= 0 or promoted.decision is None:
        return promoted
    until, step = mover.at + timedelta(hours=hours), promoted.last_step + 1
    return msgspec.structs.replace(promoted, watch=Watch(until=until, step=step, promotion=promoted.decision))


def _watch_over(release: Release, outcome: WatchOutcome, verb: Verb, mover: Mover) -> Release:
    if release.watch is None:
        return release
    decision = Decision(outcome=verb, reason=mover.reason, at=mover.at)
    gates = mover.gates or release.watch.gates
    over = msgspec.structs.replace(release.watch, outcome=outcome, decision=decision, gates=gates)
    return msgspec.structs.replace(release, watch=over)


def _expect_watched(tx: Transaction, release: Release) -> TrafficPlan:
    """The traffic plan of a release whose promotion is watched."""
    now = tx.plans.current(release.endpoint)
    there = tx.releases.get(release.id)
    if not there.is_watched or now.release_id != release.id or now.challengers:
        raise ConflictError(f"release {release.id} is {there.state}, and its promotion is watched no more")
    return now


def _share_out(tx: Transaction, moved: Release, action: str, mover: Mover) -> Release:
    """Write a release with new shares, and the traffic plan that gives them."""
    tx.releases.update(moved)
    now = tx.plans.current(moved.endpoint)
    plan = _write(tx, now, **_traffic(moved, now), step=moved.step)
    _audit(tx, action, moved, plan, mover)
    return moved


def _traffic(release: Release, now: TrafficPlan) -> dict[str, Any]:
    """What a traffic plan says of a release that has begun."""
    if not release.compares_arms:
        return {"challenger": release.candidate, "traffic_share": release.traffic_share}
    return {"arms": slots.resize(now.arms, arms.points(release))}


def _stay(tx: Transaction, moved: Release, action: str, mover: Mover) -> Release:
    """Another state with the same traffic."""
    tx.releases.update(moved)
    _audit(tx, action, moved, None, mover)
    return moved


def _starter(release: Release, mover: Mover) -> str:
    own = mover.name == release.created_by
    return release.created_by if own else f"{release.created_by}, a key of {mover.owner} too"


def _check_prepared(tx: Transaction, release: Release) -> None:
    tested.check(tx, release)
    replayed.check(tx, release)


def _check_approved(release: Release) -> None:
    if release.lacks_approval:
        raise ConflictError(
            f"release {release.id} needs the approval of somebody else than {release.created_by}: "
            f"`interlock release approve {release.id}`"
        )


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


def _decided(release: Release, outcome: Verb, mover: Mover) -> Release:
    decision = Decision(outcome=outcome, reason=mover.reason, at=mover.at)
    return msgspec.structs.replace(release, decision=decision, gates=mover.gates or release.gates)


def _end(release: Release, state: ReleaseState, outcome: Verb, mover: Mover) -> Release:
    return msgspec.structs.replace(
        _decided(release, outcome, mover),
        state=state,
        step=len(release.plan.steps) - 1 if state == "promoted" and not release.compares_arms else release.step,
        finished_at=mover.at,
    )


def _without(versions: tuple[str, ...], *gone: str) -> tuple[str, ...]:
    return tuple(version for version in versions if version not in gone)


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
    if release.compares_arms:
        details |= {"candidates": release.candidates, "shares": release.shares, "winner": release.winner}
    if plan is not None:
        details["generation"] = plan.generation
    if action == "release.start":
        details["plan"] = msgspec.to_builtins(release.plan)
        if release.overridden:
            details["overridden"] = list(release.overridden)
    if mover.gates:
        details["gates"] = msgspec.to_builtins(mover.gates)
    tx.audit.append(mover.at, mover.name, mover.role, action, release.endpoint, details)
