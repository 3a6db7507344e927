"""The loop that moves releases: look, judge, decide, act. One process runs it, about twice a second.

Everything it knows is in the store and the log, so it may be killed at any instant and go on where it was. What it
keeps in memory only saves work. One broken release never stops the others.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from interlock.domain.errors import ConflictError, NotFoundError
from interlock.domain.gateway_state import GatewayState
from interlock.domain.release import Decision, Gate, Release
from interlock.domain.traffic import TrafficPlan
from interlock.releases import deadline, gates, loading, road, watch
from interlock.releases.deciding import ReleaseDecision
from interlock.releases.evidence import Evidence, EvidenceReader, counts_of
from interlock.releases.gathering import Gathering
from interlock.releases.preparation import Preparation
from interlock.releases.road import Mover
from interlock.releases.strategies import STRATEGIES, gates_of
from interlock.store import Store, Transaction

_log = logging.getLogger(__name__)

# Looks are kept when an outcome changes, and else at times that grow with the release's age: some 500 in a week.
_LOOK_SHARE_OF_AGE = 0.02

# A gate that broke is asked again, not twice a second: each time leaves a traceback in the log.
_RETRY = timedelta(seconds=10)

# States in which only a person goes on, unless there is harm.
_STOPPED = {
    "paused": "paused by a person",
    "inconclusive": "inconclusive by its deadline",
    "awaiting_approval": "awaiting approval",
}

_MOVES: dict[str, Callable[[Transaction, Release, Mover], Release]] = {
    "advance": road.advance,
    "promote": road.promote,
    "roll_back": road.roll_back,
    "ask": road.ask,
    "hold": road.hold,
    "drop": road.drop,
    "reweigh": road.reweigh,
}

# Harm waits for nobody.
_AT_ONCE = ("roll_back", "drop")

# With rewards that count from a fixed age, time alone is news.
_RIPENING = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class _Looked:
    """The last look at a release: with the same `key` it would come out the same, unless a gate was broken."""

    at: datetime
    key: tuple[Any, ...]
    evidence: Evidence
    gates: dict[str, Gate]

    @property
    def is_broken(self) -> bool:
        return any(gate.outcome == "error" for gate in self.gates.values())


@dataclass(frozen=True, slots=True)
class _Situation:
    """What the store says about a release now."""

    release: Release
    plan: TrafficPlan
    live: tuple[GatewayState, ...]
    heard: tuple[GatewayState, ...]


class ReleaseController:
    """Moves every active release.

    Args:
        store: The control plane's store.
        reader: The prediction log.
        clock: Aware UTC.
        preparation: Looks after releases before they begin; by default it runs nothing by itself.
    """

    def __init__(
        self,
        store: Store,
        reader: EvidenceReader,
        clock: Callable[[], datetime],
        preparation: Preparation | None = None,
    ) -> None:
        self._store, self._clock = store, clock
        self._preparation = preparation or Preparation(store)
        self._gathering = Gathering(store, reader)
        self._looked: dict[str, _Looked] = {}
        self._kept_at: dict[str, datetime] = {}

    def step(self) -> None:
        """Look once at every active release, and act."""
        with self._store.read() as tx:
            active = [*tx.releases.active(), *tx.releases.watched()]
        for release in active:
            try:
                self._step(release)
            except ConflictError as conflict:
                # Someone else moved it: the next look sees how it stands.
                _log.info("release %s: %s", release.id, conflict)
            except Exception:
                _log.exception("release %s could not be looked at; trying again", release.id)
        kept = {release.id for release in active}
        self._looked = {id: looked for id, looked in self._looked.items() if id in kept}
        self._gathering.keep_only(kept)
        self._kept_at = {id: at for id, at in self._kept_at.items() if id in kept}

    def _step(self, release: Release) -> None:
        now = self._clock()
        if release.is_watched:
            self._look_after(release, now)
            return
        situation = self._situation(release, now)
        if situation is None:
            self._move(road.roll_back, release, self._mover("rolled back: the endpoint was deleted", now))
            return
        withdrawn = _withdrawn(situation)
        if withdrawn is not None:
            one_of_several = release.compares_arms and release.has_begun
            mover = replace(self._mover(withdrawn.reason, now), version=withdrawn.version)
            self._move(road.drop if one_of_several else road.roll_back, release, mover)
        elif release.has_begun:
            self._look(situation, now)
        elif release.state in ("draft", "testing"):
            self._begin(situation, now)

    def _situation(self, release: Release, now: datetime) -> _Situation | None:
        since = loading.live_since(now)
        with self._store.read() as tx:
            try:
                plan = tx.plans.current(release.endpoint)
            except NotFoundError:
                return None
            heard = tx.gateways.live(min(since, release.created_at))
        return _Situation(release, plan, tuple(gateway for gateway in heard if gateway.at >= since), tuple(heard))

    def _begin(self, situation: _Situation, now: datetime) -> None:
        release = situation.release
        missing = loading.missing(situation.plan, situation.live)
        if missing is not None:
            self._note(release, ReleaseDecision("wait", missing), release.gates, now)
        elif not self._is_prepared(release, now):
            return
        elif release.lacks_approval and release.strategy != "shadow":
            reason = f"awaiting approval by somebody else than {release.created_by}: {_names(release)} is loaded"
            self._move(road.ask, release, self._mover(reason, now))
        else:
            reason = f"begun: every live gateway ({len(situation.live)}) has loaded {_names(release)}"
            self._move(road.begin, release, self._mover(reason, now))

    def _is_prepared(self, release: Release, now: datetime) -> bool:
        """Whether it has shown what its plan asks for first; else it waits, or ends."""
        found = self._preparation.look(release)
        if found.outcome == "ready":
            return True
        if release.state == "draft":
            self._move(road.await_test, release, self._mover(found.reason, now))
        elif found.outcome == "failed":
            self._move(road.fail, release, self._mover(f"rejected: {found.reason}", now))
        else:
            self._note(release, ReleaseDecision("wait", found.reason), release.gates, now)
        return False

    def _look(self, situation: _Situation, now: datetime) -> None:
        release = situation.release
        looked = self._judge(release, now)
        found = tuple(looked.gates.values())
        evidence = replace(looked.evidence, release=release, at=now)
        decision = STRATEGIES[release.strategy].decide(evidence, looked.gates)
        decision = deadline.enforce(decision, release, now)
        if decision.outcome not in _AT_ONCE:
            decision = _held_back(decision, situation)
        if decision.outcome == "wait":
            self._note(release, decision, found, now)
        else:
            mover = replace(self._mover(decision.reason, now, found), version=decision.version, shares=decision.shares)
            self._move(_MOVES[decision.outcome], release, mover)

    def _look_after(self, release: Release, now: datetime) -> None:
        """Look at a release whose candidate was promoted."""
        looked = self._judge(release, now)
        found = tuple(looked.gates.values())
        decision = watch.decide(replace(looked.evidence, release=release, at=now), looked.gates)
        if decision.outcome == "wait":
            self._note(release, decision, found, now)
        else:
            move = road.take_back if decision.outcome == "roll_back" else road.keep
            self._move(move, release, self._mover(decision.reason, now, found))

    def _judge(self, release: Release, now: datetime) -> _Looked:
        with self._store.read() as tx:
            counts = counts_of(tx, release)
        last = self._looked.get(release.id)
        retry = last is not None and last.is_broken and now - last.at >= _RETRY
        logged = self._gathering.logged(release, again=retry)
        key = (release.step, release.is_watched, counts, logged.version, _ripened(release, now))
        if last is not None and last.key == key and not retry:
            return last
        evidence = self._gathering.evidence(release, now, counts, logged, gates_of(release))
        looked = self._looked[release.id] = _Looked(now, key, evidence, gates.judge(evidence))
        return looked

    def _note(self, release: Release, decision: ReleaseDecision, found: tuple[Gate, ...], now: datetime) -> None:
        """Write down what was seen, if it is news."""
        before, gates_before = _seen_last(release)
        same = before is not None and (before.outcome, before.reason) == (decision.outcome, decision.reason)
        if same and found == gates_before:
            return
        with self._store.transaction() as tx:
            there = tx.releases.get(release.id)
            if (there.state, there.step, there.is_watched) != (release.state, release.step, release.is_watched):
                return
            noted = Decision(outcome=decision.outcome, reason=decision.reason, at=now)
            tx.releases.update(_noted(there, noted, found))
            self._keep_look(tx, release, found, now)
            _audit_broken(tx, release, found, now)

    def _keep_look(self, tx: Transaction, release: Release, found: tuple[Gate, ...], now: datetime) -> None:
        last = self._kept_at.get(release.id)
        due = last is None or now - last >= _LOOK_SHARE_OF_AGE * (now - release.created_at)
        before = _seen_last(release)[1]
        if found and found != before and (due or _outcomes(found) != _outcomes(before)):
            tx.releases.add_look(release.id, now, _step_of(release), found)
            self._kept_at[release.id] = now

    def _move(self, move: Callable[[Transaction, Release, Mover], Release], release: Release, mover: Mover) -> None:
        with self._store.transaction() as tx:
            move(tx, release, mover)
            if mover.gates:
                tx.releases.add_look(release.id, mover.at, _step_of(release), mover.gates)
        _log.info("release %s of %s: %s", release.id, release.endpoint, mover.reason)

    def _mover(self, reason: str, now: datetime, found: tuple[Gate, ...] = ()) -> Mover:
        return Mover("controller", "system", now, reason, found)


def _withdrawn(situation: _Situation) -> ReleaseDecision | None:
    """Which candidate must go whatever the evidence says, and why."""
    release = situation.release
    for version in release.remaining:
        what = f"{version} was withdrawn" if len(release.remaining) > 1 and release.has_begun else "rolled back"
        tripped = loading.trip(release, version, situation.heard)
        if tripped is not None:
            return ReleaseDecision("drop", f"{what}: withdrawn by the gateway's guard: {tripped}", version)
        unloadable = loading.load_error(version, situation.plan, situation.live)
        if unloadable is not None:
            return ReleaseDecision("drop", f"{what}: {version} could not be loaded: {unloadable}", version)
    return None


def _names(release: Release) -> str:
    return " and ".join(release.candidates)


def _ripened(release: Release, now: datetime) -> int:
    if release.plan.missing_reward is None:
        return 0
    return int((now - release.created_at) / _RIPENING)


def _held_back(decision: ReleaseDecision, situation: _Situation) -> ReleaseDecision:
    """A pause, an approval that is lacking, or a gateway that has not caught up, turns a move into another."""
    release = situation.release
    if release.state in _STOPPED:
        return ReleaseDecision("wait", f"{_STOPPED[release.state]}; otherwise {decision.reason}")
    if decision.outcome in ("wait", "hold"):
        return decision
    missing = loading.missing(situation.plan, situation.live)
    if missing is not None:
        return ReleaseDecision("wait", missing)
    if decision.outcome == "promote" and release.lacks_approval:
        who = f"awaiting approval by somebody else than {release.created_by}"
        return ReleaseDecision("ask", f"{who}; otherwise {decision.reason}")
    return decision


def _seen_last(release: Release) -> tuple[Decision | None, tuple[Gate, ...]]:
    """What was written down at the last look: of the watch, once that has begun."""
    if release.watch is not None and release.is_watched:
        return release.watch.decision, release.watch.gates
    return release.decision, release.gates


def _noted(release: Release, decision: Decision, found: tuple[Gate, ...]) -> Release:
    if release.watch is not None and release.is_watched:
        watched = msgspec.structs.replace(release.watch, decision=decision, gates=found)
        return msgspec.structs.replace(release, watch=watched)
    return msgspec.structs.replace(release, decision=decision, gates=found)


def _step_of(release: Release) -> int:
    return release.watch.step if release.watch is not None and release.is_watched else release.step


def _outcomes(found: tuple[Gate, ...]) -> list[tuple[str, str, bool]]:
    return [(gate.metric, gate.outcome, gate.non_inferior) for gate in found]


def _audit_broken(tx: Transaction, release: Release, found: tuple[Gate, ...], now: datetime) -> None:
    """A gate that has just broken is for people to know."""
    known = {gate.reason for gate in _seen_last(release)[1] if gate.outcome == "error"}
    news = [gate.reason for gate in found if gate.outcome == "error" and gate.reason not in known]
    if news:
        details = {"release": release.id, "reasons": news}
        tx.audit.append(now, "controller", "system", "release.gate_broke", release.endpoint, details)
