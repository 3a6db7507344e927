"""Whether the candidates have passed the application test that their release asks for.

Called before a release starts, by the controller while it waits, and by the road before anything begins. The newest
stored test of exactly this version counts, held against the plan's own gates; one for another endpoint does not, nor,
where the plan names the rows, one on others.
"""

from dataclasses import dataclass
from typing import Literal

import msgspec

from interlock.domain.application_gates import failing, judge, passes
from interlock.domain.application_record import ApplicationTest
from interlock.domain.application_tests import Findings
from interlock.domain.errors import ConflictError
from interlock.domain.release import Release
from interlock.store.transaction import Transaction

Outcome = Literal["failed", "missing", "passed"]

_WORST_FIRST: tuple[Outcome, ...] = ("failed", "missing", "passed")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a candidate stands, and the sentence a person reads."""

    outcome: Outcome
    reason: str
    candidate: str


def standing(tx: Transaction, release: Release) -> Standing:
    """Look at the newest test of each candidate: one that failed, or is missing, says it for all."""
    found = [_of(tx, release, candidate) for candidate in release.candidates]
    return min(found, key=lambda each: _WORST_FIRST.index(each.outcome))


def _of(tx: Transaction, release: Release, candidate: str) -> Standing:
    data = release.plan.test_data
    tests = [test for test in tx.application_tests.list(candidate) if test.endpoint in ("", release.endpoint)]
    tests = [test for test in tests if data is None or test.data_sha256 == data.sha256]
    if not tests:
        return Standing("missing", f"{candidate} has no application test yet: {_how(release, candidate)}", candidate)
    test = tests[-1]
    results = judge(release.plan.test, _comparable(test, release))
    named = f"application test {test.number} of {candidate} (on {test.data}, by {test.by})"
    if passes(results):
        return Standing("passed", f"{named} passed", candidate)
    return Standing("failed", f"{named} did not pass: {failing(results)}", candidate)


def _how(release: Release, candidate: str) -> str:
    if release.plan.test_data is not None:
        return f"it is tested on {release.plan.test_data.file}"
    return f"`interlock model test {candidate} --data FILE --endpoint {release.endpoint}`"


def check(tx: Transaction, release: Release) -> None:
    """Raises ConflictError unless no test is asked for, or it has been passed."""
    if not release.plan.require_test:
        return
    found = standing(tx, release)
    if found.outcome != "passed":
        raise ConflictError(f"release {release.id} asks for an application test: {found.reason}")


def _comparable(test: ApplicationTest, release: Release) -> Findings:
    """What was found, without the comparison with somebody who is not the champion of this release."""
    if test.champion == release.champion:
        return test.findings
    return msgspec.structs.replace(test.findings, against_champion=None, champion_quality={})
