"""What people do with releases: start, promote, pause, resume, roll back, look. Called by the control API.

It refuses what cannot end well before anything is written: a second release on an endpoint, a candidate that breaks
callers, a plan without steps to decide on.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from interlock.domain.access import Key
from interlock.domain.contract import Contract
from interlock.domain.endpoint import Endpoint, ReleaseDefaults
from interlock.domain.errors import ConflictError, InvalidInputError
from interlock.domain.privacy import effective, withheld_sentence
from interlock.domain.release import ARMED, TERMINAL, Release, ReleasePlan, ReleaseState, Strategy
from interlock.domain.traffic import TrafficPlan
from interlock.releases import breaking, champions, road, showing, slice_quality, tested
from interlock.releases import plan as plans
from interlock.releases.forecast import Forecast, forecast, measure
from interlock.releases.planning import UNKNOWN, AssignedReader, baseline
from interlock.releases.road import Mover
from interlock.releases.strategies import STRATEGIES
from interlock.store import Store, Transaction


class Releases:
    """Releases of every endpoint.

    Args:
        store: The control plane's store.
        clock: Aware UTC.
        held_out: SHA-256 of a held-out file that the server keeps, by its name; raises InvalidInputError if there is
            none.
    """

    def __init__(
        self, store: Store, clock: Callable[[], datetime], held_out: Callable[[str], str] | None = None
    ) -> None:
        self._store, self._clock, self._held_out = store, clock, held_out

    def wanted(self, endpoint: str, strategy: str | None, given: Mapping[str, Any]) -> tuple[Strategy, ReleasePlan]:
        """What a release is to be: as was said; else as the endpoint has it; else as the product has it.

        Args:
            endpoint: Which.
            strategy: None where nothing was said. The endpoint's plan counts for the endpoint's strategy only.
            given: Fields of the plan.

        Raises:
            InvalidInputError: There is no such strategy or field, or a field has the wrong type.
        """
        with self._store.read() as tx:
            found = next((each for each in tx.endpoints.list() if each.name == endpoint), None)
        defaults = found.release_defaults if found is not None and found.release_defaults else ReleaseDefaults()
        chosen = defaults.strategy if strategy is None else strategy
        return plans.of(chosen, {**(defaults.plan if chosen == defaults.strategy else {}), **given})

    def check(self, endpoint: str, strategy: str | None, given: Mapping[str, Any]) -> None:
        """Pass if a release could be started so. Arguments as for `wanted`.

        Raises:
            InvalidInputError: The plan breaks a rule.
        """
        named, plan = self.wanted(endpoint, strategy, given)
        plans.check(plan, named)

    def start(
        self,
        endpoint: str,
        candidate: str,
        *others: str,
        strategy: Strategy = "canary",
        plan: ReleasePlan | None = None,
        override: Sequence[str] = (),
        actor: Key,
        reason: str = "",
    ) -> Release:
        """Start a release. It gets traffic once every live gateway has loaded all candidates.

        Args:
            endpoint: Whose traffic.
            candidate: `name:version`.
            others: Further candidates, for a strategy that compares several.
            strategy: How it is decided.
            plan: By which numbers; the strategy's own where nothing is said.
            override: What of the contract may break callers, by name (`input.age`, or `age`); approvers only.
            actor: Who asks.
            reason: Why; must be given with an override.

        Raises:
            NotFoundError: No such endpoint, or no such version.
            ConflictError: A release is active, a candidate serves already, its contract breaks callers, or it has
                failed the application test that the plan asks for; arms cannot be compared on this endpoint.
            InvalidInputError: The plan breaks a rule, a candidate is named twice, or an override has no reason or names
                what breaks nobody.
            ForbiddenError: The override is none of the actor's.
        """
        plan = self._pinned(plan or STRATEGIES[strategy].plan)
        candidates = (candidate, *others)
        plans.check(plan, strategy, len(candidates))
        if len(set(candidates)) < len(candidates):
            raise InvalidInputError(f"candidates == {', '.join(candidates)}: each must be named once")
        now = self._clock()
        with self._store.transaction() as tx:
            served = tx.endpoints.get(endpoint)
            champion = tx.plans.current(endpoint).champion
            models = [tx.models.get(ref) for ref in (champion, *candidates)]
            overridden = breaking.let_through(endpoint, models[0], models[1:], override, actor=actor, reason=reason)
            _check_slices(plan, models[0].contract)
            if strategy in ARMED:
                _check_logged(served, plan, [model.contract for model in models])
                _check_comparable(plan, overridden)
                _check_inputs(plan, models[0].contract)
            release = Release(
                id=f"{endpoint}-{len(tx.releases.list(endpoint)) + 1}",
                endpoint=endpoint,
                strategy=strategy,
                state="draft",
                candidate=candidate,
                champion=champion,
                plan=plan,
                created_at=now,
                created_by=actor.name,
                owner=actor.owner,
                salt=secrets.token_hex(16),
                overridden=overridden,
                others=others,
            )
            if plan.require_test and (found := tested.standing(tx, release)).outcome == "failed":
                raise ConflictError(found.reason)
            return road.start(tx, release, Mover.person(actor, now, reason))

    def _pinned(self, plan: ReleasePlan) -> ReleasePlan:
        """A plan whose held-out rows are the ones that are there now."""
        if plan.test_data is None:
            return plan
        if self._held_out is None:
            raise InvalidInputError(f"test_data.file == {plan.test_data.file!r}: this server keeps no held-out files")
        data = msgspec.structs.replace(plan.test_data, sha256=self._held_out(plan.test_data.file))
        return msgspec.structs.replace(plan, test_data=data)

    def forecast(
        self,
        endpoint: str,
        strategy: Strategy,
        plan: ReleasePlan,
        *,
        labelled: float,
        reader: AssignedReader | None = None,
        candidates: int = 1,
    ) -> Forecast:
        """What a release by `plan` would take at the endpoint's traffic.

        Args:
            labelled: Share of the endpoint's rows that have a label.
            reader: The log, for what an A/B test's metric was lately.
            candidates: How many.

        Raises:
            NotFoundError: No such endpoint.
            InvalidInputError: The plan breaks a rule.
        """
        plans.check(plan, strategy, candidates)
        with self._store.read() as tx:
            tx.endpoints.get(endpoint)
            traffic = measure(tx, endpoint, self._clock(), labelled)
            contract = tx.models.get(tx.plans.current(endpoint).champion).contract
        known = UNKNOWN
        if strategy == "ab_test" and reader is not None:
            known = baseline(reader, endpoint, plan, contract, self._clock())
        return forecast(endpoint, strategy, plan, traffic, known, candidates=candidates)

    def promote(self, id: str, *, candidate: str | None = None, actor: Key, reason: str = "") -> Release:
        """Make a candidate champion now, whatever the gates say. The audit entry holds what they said.

        Args:
            id: The release.
            candidate: Which, where several remain and none has won.
            actor: Who asks.
            reason: For the audit log.

        Raises:
            ConflictError: It lacks approval, or it is not clear which candidate is meant.
        """

        def move(tx: Transaction, release: Release, mover: Mover) -> Release:
            return road.promote(tx, release, replace(mover, version=candidate))

        return self._move(id, "promoted", move, actor, f"promoted by {actor.name}", reason)

    def approve(self, id: str, *, actor: Key, reason: str = "") -> Release:
        """Let a release go on that waits for it: it begins, or, after it ran as a shadow, is promoted.

        Raises:
            ConflictError: It does not wait for approval, or `actor` has started it.
        """
        with self._store.transaction() as tx:
            release = tx.releases.get(id)
            what = f"approved by {actor.name}"
            return road.approve(tx, release, Mover.person(actor, self._clock(), _sentence(what, reason), release.gates))

    def reject(self, id: str, *, actor: Key, reason: str = "") -> Release:
        """End a release that waits for approval."""
        return self._move(id, "rejected", road.reject, actor, f"rejected by {actor.name}", reason)

    def pause(self, id: str, *, actor: Key, reason: str = "") -> Release:
        """Keep the traffic as it is and stop deciding, except that harm still rolls back."""
        return self._move(id, "paused", road.pause, actor, f"paused by {actor.name}", reason)

    def resume(self, id: str, *, actor: Key, reason: str = "") -> Release:
        """Decide again."""
        return self._move(id, "running", road.resume, actor, f"resumed by {actor.name}", reason)

    def rollback(self, endpoint: str, *, to: str | None = None, actor: Key, reason: str = "") -> TrafficPlan:
        """Take the endpoint back, now: end its active release, or return to the champion before, or to `to`.

        Returns:
            The traffic plan as it is then.

        Raises:
            NotFoundError: No such endpoint or version.
            ConflictError: Nothing to go back to, or `to` would break callers.
        """
        mover = Mover.person(actor, self._clock(), _sentence(f"rolled back by {actor.name}", reason))
        with self._store.transaction() as tx:
            tx.endpoints.get(endpoint)
            active = tx.releases.active(endpoint)
            for release in active:
                _withdraw(tx, release, mover)
            if not active or to is not None:
                champions.go_back(tx, endpoint, to, mover)
            return tx.plans.current(endpoint)

    def take_back(self, id: str, *, actor: Key, reason: str = "") -> TrafficPlan:
        """End this release, now, or give its champion the traffic back that its candidate has won.

        Unlike `rollback` it never goes further back: not if somebody, or the evidence, was quicker.

        Returns:
            The traffic plan as it is then.

        Raises:
            NotFoundError: No such release.
            ConflictError: It is over and there is nothing to take back, or another release is under way.
        """
        mover = Mover.person(actor, self._clock(), _sentence(f"rolled back by {actor.name}", reason))
        with self._store.transaction() as tx:
            release = tx.releases.get(id)
            if (obstacle := _obstacle(tx, release)) is not None:
                raise ConflictError(obstacle)
            if release.state in TERMINAL:
                return champions.go_back(tx, release.endpoint, release.champion, mover)
            _withdraw(tx, release, mover)
            return tx.plans.current(release.endpoint)

    def can_take_back(self, release: Release) -> bool:
        """Whether `take_back` would do something, as things stand."""
        with self._store.read() as tx:
            return _obstacle(tx, release) is None

    def get(self, id: str) -> Release:
        """Raises NotFoundError."""
        with self._store.read() as tx:
            return tx.releases.get(id)

    def list(self, endpoint: str | None = None) -> list[dict[str, Any]]:
        """All releases, or those of one endpoint, as `show` gives them, oldest first."""
        with self._store.read() as tx:
            return [self._show(tx, release) for release in tx.releases.list(endpoint)]

    def show(self, id: str) -> dict[str, Any]:
        """A release as `interlock release show --json` prints it."""
        with self._store.read() as tx:
            return self._show(tx, tx.releases.get(id))

    def _show(self, tx: Transaction, release: Release) -> dict[str, Any]:
        return showing.show(release, looks=tx.releases.count_looks(release.id), now=self._clock())

    def _move(
        self,
        id: str,
        state: ReleaseState,
        move: Callable[[Transaction, Release, Mover], Release],
        actor: Key,
        what: str,
        reason: str,
    ) -> Release:
        with self._store.transaction() as tx:
            release = tx.releases.get(id)
            if release.state == state:
                # Asked twice, done once.
                return release
            mover = Mover.person(actor, self._clock(), _sentence(what, reason), release.gates)
            return move(tx, release, mover)


def _withdraw(tx: Transaction, release: Release, mover: Mover) -> None:
    (road.roll_back if release.has_begun else road.cancel)(tx, release, mover)


def _obstacle(tx: Transaction, release: Release) -> str | None:
    """Why a release cannot be taken back; None if it can."""
    if release.state not in TERMINAL:
        return None
    plan = next((each for each in tx.plans.all_current() if each.endpoint == release.endpoint), None)
    if release.state != "promoted" or plan is None or plan.champion != release.promoted:
        return f"release {release.id} is {release.state}, and its candidate does not serve: nothing to take back"
    active = tx.releases.active(release.endpoint)
    return f"release {active[0].id} is under way on endpoint {release.endpoint!r}; end it first" if active else None


def _check_comparable(plan: ReleasePlan, overridden: Sequence[str]) -> None:
    changed = [name for name in overridden if not name.startswith("input.")]
    if changed and plan.reward is None:
        raise ConflictError(
            f"arms cannot be compared by quality: {', '.join(changed)} mean something else; name a reward"
        )


def _check_slices(plan: ReleasePlan, champion: Contract) -> None:
    """Slices are categories that are known before: how many there are must not depend on what comes."""
    faults = [
        f"slices: {name!r} must be an input of the champion with at most {slice_quality.MOST_CATEGORIES} categories in "
        "its contract, or of true and false"
        for name in plan.slices
        if not slice_quality.categories(champion, name)
    ]
    if faults:
        raise InvalidInputError(*faults)


def _check_logged(endpoint: Endpoint, plan: ReleasePlan, contracts: Sequence[Contract]) -> None:
    """Arms are compared by what the log has: who a unit is, and, without a reward, what was answered."""
    rules = effective(contracts, endpoint.privacy)
    needed = [name for name in rules if name.startswith("output.") and plan.reward is None]
    needed += [f"input.{name}" for name in plan.compared_inputs if f"input.{name}" in rules]
    needed += ["unit"] if rules.get("unit") == "drop" else []
    if needed:
        raise ConflictError(f"arms cannot be compared on endpoint {endpoint.name!r}: {withheld_sentence(needed)}")


def _check_inputs(plan: ReleasePlan, contract: Contract) -> None:
    """What a covariate and segments are read from."""
    there = {field.name: field for field in contract.inputs if not field.shape}
    numbers = [name for name, field in there.items() if field.datatype.startswith(("FP", "INT", "UINT"))]
    faults = []
    if plan.covariate is not None and plan.covariate not in numbers:
        faults.append(
            f"covariate == {plan.covariate!r}, must be a numeric input: {', '.join(numbers) or 'there is none'}"
        )
    faults += [
        f"segments: {name!r} is no input of one value; there is {', '.join(there) or 'none'}"
        for name in plan.segments
        if name not in there
    ]
    if faults:
        raise InvalidInputError(*faults)


def _sentence(what: str, reason: str) -> str:
    return f"{what}: {reason}" if reason else what
