"""What a release must show before it begins: an application test, and a replay of the past. Called by the controller.

Where the plan says how, both are run from here: the test in a thread that waits for its process, the replay by the
service that people start replays with. What cannot be run, or never ends, ends the release with its reason.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from interlock.domain.errors import InterlockError, OverloadedError
from interlock.domain.release import Release, ReplayStep
from interlock.releases import replayed, tested
from interlock.releases.own_tests import OwnTests
from interlock.store import Store

# A test that takes the controller with it is not begun for ever. A release has some candidates, each with a test.
_MOST_TESTS = 12
# Of one candidate: more lost processes are no accident.
_MOST_REPLAYS = 3

StartReplay = Callable[[str, str, datetime, int | None], None]
"""Starts a replay on an endpoint, of a candidate, from a time on, of at most so many rows; as `replayed.ACTOR`."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """How a release stands before it begins, and the sentence a person reads."""

    outcome: Literal["ready", "wait", "failed"]
    reason: str = ""


READY = Prepared("ready")


class Preparation:
    """Looks after releases that have not begun.

    Args:
        store: The control plane's store.
        tests: Runs the tests of plans that name the rows. None: these wait, as the others, for somebody's.
        replay: Starts replays. None: a release that asks for one waits.
    """

    def __init__(self, store: Store, tests: OwnTests | None = None, replay: StartReplay | None = None) -> None:
        self._store, self._tests, self._replay = store, tests, replay

    def look(self, release: Release) -> Prepared:
        """Look, and begin what is lacking, once the release waits for it."""
        found = self._test(release) if release.plan.require_test else READY
        if found.outcome == "ready" and release.plan.replay is not None:
            return self._replayed(release, release.plan.replay)
        return found

    def _test(self, release: Release) -> Prepared:
        with self._store.read() as tx:
            found = tested.standing(tx, release)
        if found.outcome == "passed":
            return READY
        if found.outcome == "failed":
            return Prepared("failed", found.reason)
        if release.plan.test_data is None or self._tests is None or release.state != "testing":
            return Prepared("wait", found.reason)
        return self._own_test(self._tests, release, found.candidate, release.plan.test_data.file)

    def _own_test(self, tests: OwnTests, release: Release, candidate: str, file: str) -> Prepared:
        fault = tests.fault(release)
        if fault is None and not tests.is_running(release) and release.tests_begun >= _MOST_TESTS:
            fault = f"it was begun {release.tests_begun} times and never came to an end"
        if fault is not None:
            return Prepared("failed", f"{candidate} could not be tested: {fault}")
        if not tests.is_running(release):
            with self._store.transaction() as tx:
                there = tx.releases.get(release.id)
                tx.releases.update(msgspec.structs.replace(there, tests_begun=there.tests_begun + 1))
            tests.begin(release, candidate)
        return Prepared("wait", f"{candidate} is being tested on {file}")

    def _replayed(self, release: Release, step: ReplayStep) -> Prepared:
        with self._store.read() as tx:
            found = replayed.standing(tx, release, step)
        if found.outcome == "passed":
            return READY
        if found.outcome == "failed" or (found.outcome == "lost" and found.begun >= _MOST_REPLAYS):
            return Prepared("failed", found.reason)
        if found.outcome == "running" or self._replay is None or release.state != "testing":
            return Prepared("wait", found.reason)
        try:
            self._replay(
                release.endpoint, found.candidate, release.created_at - timedelta(hours=step.hours), step.limit
            )
        except OverloadedError as busy:
            return Prepared("wait", f"{found.candidate} waits for its replay: {busy}")
        except InterlockError as error:
            return Prepared("failed", f"{found.candidate} could not be replayed: {error}")
        return Prepared("wait", f"{found.candidate} begins to score the last {step.hours:g} hours")
