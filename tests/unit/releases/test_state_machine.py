"""People, traffic, harm, dead gateways and time in any order: what must hold of releases holds after every move.

The store, the service and the controller are real; the clock and the callers are not.
"""

from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.unit.releases.world import NOW, World, application_test, furnish

from interlock.domain.access import Key
from interlock.domain.errors import InterlockError
from interlock.domain.release import ARMED, TERMINAL, Release, ReleasePlan, Strategy
from interlock.store import Store

ANN, BOB = (Key(name=name, role="approver", digest=name, created_at=NOW) for name in ("ann", "bob"))
STEPS: dict[Strategy, tuple[float, ...]] = {
    "canary": (0.1, 0.5, 1.0),
    "shadow": (0.0, 1.0),
    "blue_green": (0.5, 1.0),
    "ab_test": (0.3, 0.6),
    "bandit": (),
}
PEOPLE = st.sampled_from([ANN, BOB])
PLANS: dict[str, st.SearchStrategy[Any]] = {
    "require_approval": st.booleans(),
    "require_test": st.booleans(),
    "require_labels": st.sampled_from(["auto", "no"]),
    "step_hours": st.sampled_from([None, 1.0]),
    "at_deadline": st.sampled_from(["hold", "roll_back"]),
    "min_labels": st.just(500),
    "hold_seconds": st.just(60.0),
    "promote_winner": st.booleans(),
    "watch_hours": st.sampled_from([0.0, 1.0]),
}
MEANS = st.fixed_dictionaries({f"wine:{number}": st.sampled_from([0.2, 0.3, 0.6]) for number in (1, 2, 3)})


class Releasing(RuleBasedStateMachine):
    @initialize(seed=st.integers(0, 1000))
    def begin(self, seed: int) -> None:
        self.folder = TemporaryDirectory()
        self.store = Store.open(f"sqlite:///{self.folder.name}/interlock.db")
        furnish(self.store)
        self.world = World(self.store, NOW, ANN, seed)

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @property
    def releases(self) -> list[Release]:
        with self.store.read() as tx:
            return tx.releases.list("wine")

    @property
    def active(self) -> list[Release]:
        return [release for release in self.releases if release.state not in TERMINAL]

    def attempt(self, move: Any, *arguments: Any, **more: Any) -> None:
        """What is refused must change nothing."""
        before = (self.releases, self.world.plan)
        try:
            move(*arguments, **more)
        except InterlockError:
            assert (self.releases, self.world.plan) == before
        self.world.look()

    @rule(
        who=PEOPLE,
        strategy=st.sampled_from(list(STEPS)),
        candidate=st.sampled_from(["wine:2", "wine:3", "wine:1"]),
        others=st.sampled_from([(), ("wine:3",), ("wine:1",)]),
        plan=st.fixed_dictionaries(PLANS),
    )
    def start(
        self, who: Key, strategy: Strategy, candidate: str, others: tuple[str, ...], plan: dict[str, Any]
    ) -> None:
        reward = "sold" if strategy in ARMED else None
        given = ReleasePlan(steps=STEPS[strategy], reward=reward, **plan)
        if not self.active:
            self.world.rows.table = self.world.rows.table.slice(0, 0)
            self.world.rows.assigned_table = self.world.rows.assigned_table.slice(0, 0)
        self.attempt(self.world.releases.start, "wine", candidate, *others, strategy=strategy, plan=given, actor=who)

    @rule(seconds=st.sampled_from([70.0, 4000.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.look(seconds)

    @rule(units=st.sampled_from([50, 3000]), challenger_fails=st.sampled_from([0.0, 0.5]))
    def traffic(self, units: int, challenger_fails: float) -> None:
        self.world.traffic(units, challenger_fails=challenger_fails)
        self.world.look()

    @rule(candidate=st.sampled_from(["wine:2", "wine:3"]), failed_rows=st.sampled_from([0, 5]))
    def a_version_is_tested(self, candidate: str, failed_rows: int) -> None:
        with self.store.transaction() as tx:
            number = len(tx.application_tests.list(candidate)) + 1
            tx.application_tests.add(application_test(candidate, number=number, failed_rows=failed_rows))
        self.world.look()

    @precondition(lambda self: self.active)
    @rule(error=st.sampled_from([0.1, 1.5]))
    def label(self, error: float) -> None:
        self.world.label(2000, error)
        self.world.look()

    @precondition(lambda self: self.active)
    @rule(means=MEANS, units=st.sampled_from([500, 3000]))
    def rewards(self, means: dict[str, float], units: int) -> None:
        self.world.earn(units, means)
        self.world.look(61)

    @precondition(lambda self: self.active)
    @rule(is_loaded=st.booleans())
    def a_gateway_withdraws_it(self, is_loaded: bool) -> None:
        release = self.active[0]
        gone = release.remaining[0]
        if is_loaded:
            self.world.beat(trips={f"{release.id} {gone}" if release.compares_arms else release.id: "failed 20 of 20"})
        else:
            self.world.beat(load_errors={gone: "no memory"})
        self.world.controller.step()
        if len(release.remaining) == 1 or not release.has_begun:
            assert not self.active
        else:
            assert self.active[0].remaining == release.remaining[1:]
            assert gone not in self.world.plan.versions

    @rule(error=st.sampled_from([0.1, 1.5]), fails=st.sampled_from([0.0, 0.5]))
    def what_was_promoted_is_watched(self, error: float, fails: float) -> None:
        watched = [release for release in self.releases if release.is_watched]
        if not watched:
            return
        release = watched[0]
        self.world.traffic(3000, champion_fails=fails)
        self.world.label_after(2000, error)
        self.world.look()
        assert self.world.plan.champion == (release.champion if error > 1 else self.world.plan.champion)
        assert not self.active

    @precondition(lambda self: self.releases)
    @rule(who=PEOPLE, candidate=st.sampled_from(["wine:1", "wine:2", "wine:3"]))
    def promote_one(self, who: Key, candidate: str) -> None:
        self.attempt(self.world.releases.promote, self.releases[-1].id, candidate=candidate, actor=who)

    @precondition(lambda self: self.releases)
    @rule(who=PEOPLE, verb=st.sampled_from(["promote", "approve", "pause", "resume", "reject"]))
    def act(self, who: Key, verb: str) -> None:
        self.attempt(getattr(self.world.releases, verb), self.releases[-1].id, actor=who)

    @rule(who=PEOPLE)
    def roll_back(self, who: Key) -> None:
        active, champion = self.active, self.world.plan.champion
        self.attempt(self.world.releases.rollback, "wine", actor=who)
        assert not self.active
        assert not active or self.world.plan.champion == champion

    @invariant()
    def one_release_at_most(self) -> None:
        assert len(self.active) <= 1

    @invariant()
    def shares_are_shares_and_belong_to_the_active_release(self) -> None:
        plan, active = self.world.plan, self.active
        challengers = {each.version: each.share for each in plan.challengers}
        assert sum(plan.shares.values()) == pytest.approx(1.0)
        assert all(0 <= share <= 1 for share in plan.shares.values())
        assert plan.champion not in (*challengers, *plan.warm)
        if active and active[0].has_begun:
            release = active[0]
            assert (plan.release_id, plan.step, tuple(challengers)) == (release.id, release.step, release.remaining)
            assert sum(challengers.values()) == pytest.approx(release.traffic_share)
            if release.strategy == "bandit":
                assert min(plan.shares.values()) >= release.plan.floor - 1e-5
        else:
            watched = [release.id for release in self.releases if release.is_watched]
            assert ([] if plan.release_id is None else [plan.release_id], plan.challengers) == (watched, ())

    @invariant()
    def nothing_unapproved_is_served(self) -> None:
        for release in self.releases:
            if release.lacks_approval:
                assert release.state != "promoted"
                assert release.traffic_share == 0
            if release.approved_by is not None:
                assert release.approved_by != release.created_by

    @invariant()
    def nothing_untested_is_served(self) -> None:
        for release in self.releases:
            if release.plan.require_test and release.traffic_share > 0:
                with self.store.read() as tx:
                    assert any(test.passed for test in tx.application_tests.list(release.candidate))

    @invariant()
    def who_serves_was_promoted_or_served_before(self) -> None:
        promoted = {release.promoted for release in self.releases if release.state == "promoted"}
        assert self.world.plan.champion in {"wine:1", *promoted}

    @invariant()
    def every_end_says_why(self) -> None:
        for release in self.releases:
            if release.state in TERMINAL:
                assert release.finished_at is not None
                assert release.decision is not None
                assert msgspec.to_builtins(release.decision)["reason"]


TestReleasing = pytest.mark.slow(Releasing.TestCase)
# Not shrunk: a dozen moves are read in a minute, and made shorter in five.
TestReleasing.settings = settings(max_examples=300, stateful_step_count=12, deadline=None, phases=[Phase.generate])
