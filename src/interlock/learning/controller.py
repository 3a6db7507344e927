"""Begins runs that were asked for, watches them, and starts the releases of what they made.

A thread of the controller's process. Each run works in a process of its own, one at a time on a machine; that process
writes down its own steps. Everything here is done again after a death: what is found training without its process is
begun once more, what is found registered goes on to its release.
"""

import contextlib
import logging
import subprocess
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from interlock.domain.access import Key
from interlock.domain.errors import InterlockError
from interlock.domain.release import Release, ReleasePlan, Strategy
from interlock.domain.run import GAVE_A_VERSION, Run, RunState
from interlock.learning import run_road, workspace
from interlock.learning.retrainer import ACTOR
from interlock.learning.run_road import Mover
from interlock.predictions.pins import Pins
from interlock.store.database import Store

_log = logging.getLogger(__name__)

# A run on another machine whose process has said nothing for so long is lost with its machine.
_SILENT = timedelta(minutes=5)
_KILL_SECONDS = 10.0

Spawn = Callable[[str, Path], "subprocess.Popen[bytes]"]
"""Starts the process of a run, by its id; what it says goes into a folder."""

PlanOf = Callable[[str, str | None, Mapping[str, Any]], tuple[Strategy, ReleasePlan]]
"""The plan of an endpoint's strategy, or of the one that is named, with the fields that were given."""


class StartsReleases(Protocol):
    """Puts a version on the road of an endpoint."""

    def start(
        self,
        endpoint: str,
        candidate: str,
        *,
        strategy: Strategy = "canary",
        plan: ReleasePlan | None = None,
        actor: Key,
        reason: str = "",
    ) -> Release:
        """Start a release."""


class RetrainingController:
    """Runs of all endpoints, as far as this machine works on them.

    Args:
        store: Runs.
        releases: Starts releases.
        plan_of: Reads how a declaration wants versions released.
        pins: Lets go of what failed runs have learnt from.
        spawn: Starts the process of a run.
        folders: Where runs have their folders.
        clock: Aware UTC.
        place: This machine's name, if others may share the store.
    """

    def __init__(
        self,
        store: Store,
        releases: StartsReleases,
        plan_of: PlanOf,
        pins: Pins,
        *,
        spawn: Spawn,
        folders: Path,
        clock: Callable[[], datetime],
        place: str = "",
    ) -> None:
        self._store, self._releases, self._plan_of, self._pins = store, releases, plan_of, pins
        self._spawn, self._folders, self._clock, self._place = spawn, folders, clock, place
        self._process: subprocess.Popen[bytes] | None = None
        self._run_id = ""

    def step(self) -> None:
        """Do what is due. Call it now and then from one thread, which must live as long as the runs."""
        if self._process is not None:
            self._watch(self._process)
        if self._process is None:
            self._recover()
            self._settle()
            self._begin()

    def close(self) -> None:
        """End what works. It is found, and begun once more, by whoever comes next."""
        if self._process is not None:
            _end(self._process)
            self._process = None

    def _watch(self, process: "subprocess.Popen[bytes]") -> None:
        with self._store.read() as tx:
            run = tx.runs.get(self._run_id)
        is_wanted = not run.cancelled_by or run.state not in ("training", "judging")
        if process.poll() is None and is_wanted:
            return
        _end(process)
        self._process = None
        self._bury(run, process.returncode)
        workspace.clean(self._folders / run.id)
        self._let_go(run)

    def _bury(self, run: Run, code: int) -> None:
        """Write down the end of a run whose process has not done so."""
        with self._store.transaction() as tx:
            now = tx.runs.get(run.id)
            if now.state not in ("training", "judging"):
                return
            if now.cancelled_by:
                run_road.cancel(tx, now, self._mover())
            else:
                how = f"signal {-code}" if code < 0 else f"exit code {code}"
                reason = f"its process ended ({how}); see its log, and `interlock run rerun {run.id}` to try again"
                run_road.fail(tx, now, self._mover(), reason)

    def _recover(self) -> None:
        """Take up runs whose process is gone with its server."""
        now = self._clock()
        for run in self._active("training", "judging"):
            is_silent = run.seen_at is None or now - run.seen_at > _SILENT
            if run.place == self._place or is_silent:
                with self._store.transaction() as tx:
                    moved = (run_road.cancel if run.cancelled_by else run_road.lose)(tx, run, self._mover())
                _log.warning("run %s was left behind, and is %s", run.id, moved.state)

    def _settle(self) -> None:
        for run in self._active("registered"):
            self._release(run)

    def _active(self, *states: RunState) -> list[Run]:
        with self._store.read() as tx:
            return [run for run in tx.runs.active() if run.state in states]

    def _release(self, run: Run) -> None:
        """Start the release of a version that passed, unless it has one already or nobody wants one."""
        try:
            reason = self._why_not(run)
            release = None if reason else self._started(run)
        except InterlockError as error:  # also where the endpoint was deleted meanwhile
            reason, release = f"no release was started: {error}", None
        with self._store.transaction() as tx:
            if release is None:
                run_road.keep(tx, run, self._mover(), reason)
            else:
                run_road.release(tx, run, self._mover(), release.id)

    def _why_not(self, run: Run) -> str:
        if not run.wants_release or run.settings.release is None:
            return f"no release was asked for; `interlock release start {run.endpoint} --candidate {run.version}`"
        with self._store.read() as tx:
            champion = tx.plans.current(run.endpoint).champion
        if champion not in (run.parent, run.version):
            return f"no release was started: it was compared with {run.parent}, and {champion} is the champion now"
        return ""

    def _started(self, run: Run) -> Release:
        """Its release, which was started before somebody died here, or is now."""
        assert run.settings.release is not None
        assert run.version is not None
        with self._store.read() as tx:
            there = [release for release in tx.releases.list(run.endpoint) if run.version in release.candidates]
        if there:
            return there[-1]
        strategy, plan = self._plan_of(run.endpoint, run.settings.release.strategy, run.settings.release.plan)
        actor = Key(name=run.created_by, role=run.role, digest="", created_at=self._clock())
        reason = f"made by run {run.id}: {run.reason}"
        return self._releases.start(run.endpoint, run.version, strategy=strategy, plan=plan, actor=actor, reason=reason)

    def _begin(self) -> None:
        queued = self._active("queued")
        if not queued:
            return
        with self._store.transaction() as tx:
            run = run_road.begin(tx, queued[0], self._mover(), self._place)
        folder = self._folders / run.id
        workspace.prepare(folder)
        self._process, self._run_id = self._spawn(run.id, folder), run.id

    def _let_go(self, run: Run) -> None:
        """Let go of the pins of earlier runs that gave no version: the last one may still be tried again."""
        with self._store.read() as tx:
            needed = {each.pin for each in tx.runs.list(run.endpoint) if each.state in GAVE_A_VERSION} | {run.pin}
            needed |= {each.pin for each in tx.runs.active(run.endpoint)} | {tx.runs.get(run.id).pin}
            known = {pin.name for pin in tx.pins.list(run.endpoint)}
            stale = [each.pin for each in tx.runs.list(run.endpoint) if each.pin in known - needed]
        actor = Key(name=ACTOR, role="operator", digest="", created_at=self._clock())
        for name in dict.fromkeys(stale):
            with contextlib.suppress(InterlockError):  # in use, or the log is held: the next run comes by again
                self._pins.delete(run.endpoint, name, actor)

    def _mover(self) -> Mover:
        return Mover(ACTOR, "system", self._clock())


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.kill()
        process.wait(_KILL_SECONDS)
