"""Application tests of versions: run one, store it with its judgement, look them up.

Called by the API. The test itself runs in a process of its own, outside any transaction (`application_test.launch`,
which `bootstrap` hands in); what it found, the judgement and the audit entry are one transaction.
"""

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from interlock.domain.access import Key
from interlock.domain.application_gates import ApplicationGates, judge
from interlock.domain.application_record import ApplicationTest
from interlock.domain.application_tests import Findings
from interlock.domain.errors import InvalidInputError
from interlock.domain.model import ModelVersion
from interlock.runtimes.artifact import sha256_of
from interlock.store.database import Store
from interlock.store.transaction import Transaction

DEADLINE_MS = 1000.0
"""Where no endpoint says another: the default of endpoints."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What the testing process is given.

    Args:
        candidate, champion: The versions, without profiles; the champion where there is one to compare with.
        artifacts: Folder of artifacts.
        data: The held-out file; `data_name` is what its sender called it.
        label: Its column of labels; empty for none.
        deadline_ms: The endpoint's.
        slices, protected: Columns of the file by which rows are grouped.
    """

    candidate: ModelVersion
    champion: ModelVersion | None
    artifacts: str
    data: str
    data_name: str
    label: str = ""
    deadline_ms: float = DEADLINE_MS
    slices: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks to be tested.

    Args:
        ref: `name:version`.
        data: The held-out file: CSV, Parquet, JSON or JSON lines.
        label, slices, protected: Columns of it.
        endpoint: Whose deadline and whose champion it is held against; empty for none.
        gates: The bounds. None: those of the candidate's release on the endpoint, else of the endpoint's release plan,
            else the product's.
    """

    ref: str
    data: Path
    label: str = ""
    endpoint: str = ""
    slices: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    gates: ApplicationGates | None = None


Run = Callable[[Job], Findings]
"""Tests a version, in a process of its own. Takes minutes at most."""


class ApplicationTests:
    """Tests of the versions of one store.

    Args:
        artifacts: Folder of artifacts, by digest.
        clock: Aware UTC now.
        run: How a version is tested.
    """

    def __init__(self, store: Store, artifacts: Path, clock: Callable[[], datetime], run: Run) -> None:
        self._store, self._artifacts, self._clock, self._run = store, artifacts, clock, run
        # The load of one would be the latency of another.
        self._one_at_a_time = threading.Lock()

    def test(self, order: Order, actor: Key) -> ApplicationTest:
        """Test a version and store what was found, whether it passes or not. Waits for a test that is under way.

        Raises:
            NotFoundError: No such version, or no such endpoint.
            InvalidInputError: The file does not fit the version, or a bound breaks a rule.
            UnloadableModelError: The version cannot be loaded, or took the testing process with it.
        """
        digest = sha256_of(order.data)
        with self._store.read() as tx:
            job, gates = self._job(tx, order), order.gates or _planned(tx, order)
        if faults := gates.faults():
            raise InvalidInputError(*faults)
        with self._one_at_a_time:
            found = self._run(job)
        with self._store.transaction() as tx:
            test = ApplicationTest(
                version=order.ref,
                number=len(tx.application_tests.list(order.ref)) + 1,
                at=self._clock(),
                by=actor.name,
                endpoint=order.endpoint,
                champion=job.champion.ref if job.champion is not None else "",
                data=order.data.name,
                data_sha256=digest,
                label=order.label,
                gates=gates,
                results=judge(gates, found),
                findings=found,
            )
            tx.application_tests.add(test)
            tx.audit.append(test.at, actor.name, actor.role, "model.test", order.ref, _details(test))
        return test

    def list(self, ref: str) -> list[ApplicationTest]:
        """Tests of a version, newest first.

        Raises:
            NotFoundError: There is no such version.
        """
        with self._store.read() as tx:
            tx.models.get(ref)
            return tx.application_tests.list(ref)[::-1]

    def _job(self, tx: Transaction, order: Order) -> Job:
        candidate = tx.models.get(order.ref)
        champion, deadline_ms = None, DEADLINE_MS
        if order.endpoint:
            deadline_ms = tx.endpoints.get(order.endpoint).deadline_ms
            answers = tx.models.get(tx.plans.current(order.endpoint).champion)
            champion = answers if answers.ref != candidate.ref else None
        return Job(
            candidate=msgspec.structs.replace(candidate, profile=None),
            champion=msgspec.structs.replace(champion, profile=None) if champion is not None else None,
            artifacts=str(self._artifacts.absolute()),
            data=str(order.data.absolute()),
            data_name=order.data.name,
            label=order.label,
            deadline_ms=deadline_ms,
            slices=order.slices,
            protected=order.protected,
        )


def _planned(tx: Transaction, order: Order) -> ApplicationGates:
    """What the release that waits for this test asks for, or the next one will."""
    if not order.endpoint:
        return ApplicationGates()
    for release in tx.releases.active(order.endpoint):
        if order.ref in release.candidates:
            return release.plan.test
    defaults = tx.endpoints.get(order.endpoint).release_defaults
    given = defaults.plan.get("test", {}) if defaults is not None else {}
    return msgspec.convert(given, ApplicationGates)


def _details(test: ApplicationTest) -> dict[str, object]:
    return {
        "test": test.number,
        "passed": test.passed,
        "endpoint": test.endpoint,
        "data": test.data,
        "data_sha256": test.data_sha256,
        "gates": {result.gate: result.outcome for result in test.results},
    }
