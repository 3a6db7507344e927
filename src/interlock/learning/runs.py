"""What people do with retraining: declare it, ask for a run, cancel it, try it again, look. Called by the control API.

It refuses what cannot end well before anything is written: a second run on an endpoint, one whose version could not be
released because a release is under way, code that is not there.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from interlock.domain.access import Act, Key
from interlock.domain.errors import ConflictError, ForbiddenError, NotFoundError
from interlock.domain.retraining import Mode, Retraining, parse
from interlock.domain.run import GAVE_A_VERSION, Run
from interlock.learning import asking, run_road, triggers, workspace
from interlock.learning.asking import check_free
from interlock.learning.declaring import CheckRoad, check_there, put
from interlock.learning.run_road import Mover
from interlock.learning.triggers import Watched
from interlock.store.database import Store

BY_HAND = "by hand"


class Runs:
    """Runs of every endpoint, and what is declared of them.

    Args:
        store: The control plane's store.
        folders: Where runs have their folders.
        clock: Aware UTC.
        check_road: Looks at how a declaration wants versions released.
    """

    def __init__(self, store: Store, folders: Path, clock: Callable[[], datetime], *, check_road: CheckRoad) -> None:
        self._store, self._folders, self._clock = store, folders, clock
        self._check_road = check_road

    def declare(self, endpoint: str, document: Mapping[str, Any], actor: Key) -> Retraining:
        """Put a declaration in the place of the one before. A run that is under way keeps its own.

        Raises:
            NotFoundError: No such endpoint.
            InvalidInputError: It breaks rules, or names what is not there.
            ForbiddenError: It names code or files, and `actor` is no administrator.
        """
        declared = parse(document)
        if declared.names_code and not actor.may("admin"):
            raise ForbiddenError(
                f"key {actor.name!r} (role {actor.role}) may not name code or files of the server; "
                "that needs role admin"
            )
        check_there(declared)
        if declared.release is not None:
            self._check_road(endpoint, declared.release.strategy, declared.release.plan)
        with self._store.transaction() as tx:
            put(tx, endpoint, declared, Act(actor, self._clock()))
        return declared

    def declared(self, endpoint: str) -> Retraining | None:
        """What is declared; None if nothing is, and a run by hand then takes the defaults.

        Raises:
            NotFoundError: No such endpoint.
        """
        with self._store.read() as tx:
            tx.endpoints.get(endpoint)
            return tx.retrainings.get(endpoint)

    def watched(self, endpoint: str) -> Watched | None:
        """What triggers remember of an endpoint, and what they wait for; None before they looked."""
        with self._store.read() as tx:
            return triggers.waits(tx, endpoint) if tx.retrainings.get(endpoint) is not None else None

    def withdraw(self, endpoint: str, actor: Key) -> None:
        """Take a declaration away: nothing is retrained by itself any more.

        Raises:
            NotFoundError: No such endpoint, or nothing is declared.
        """
        with self._store.transaction() as tx:
            tx.endpoints.get(endpoint)
            if tx.retrainings.get(endpoint) is None:
                raise NotFoundError("retraining of endpoint", endpoint)
            put(tx, endpoint, None, Act(actor, self._clock()))

    def ask(
        self, endpoint: str, actor: Key, *, mode: Mode | None = None, release: bool = True, cause: str = BY_HAND
    ) -> Run:
        """Ask for a run. It begins when the controller comes by.

        Args:
            endpoint: Whose model.
            actor: Who asks.
            mode: In place of what is declared.
            release: Whether a version that passes is released as declared.
            cause: Why.

        Raises:
            NotFoundError: No such endpoint.
            ConflictError: A run is active, or a release is and this one would want another.
            InvalidInputError: The code is not there.
        """
        with self._store.transaction() as tx:
            tx.endpoints.get(endpoint)
            settings = tx.retrainings.get(endpoint) or Retraining()
            check_there(settings)
            wants_release = release and settings.release is not None
            if wants_release:
                check_free(tx, endpoint)
            asked = asking.Asked(settings, mode or settings.mode, cause, wants_release)
            return asking.ask(tx, endpoint, asked, Mover(actor.name, actor.role, self._clock()))

    def rerun(self, id: str, actor: Key) -> Run:
        """Ask for a run with the settings and the pinned rows of an earlier one.

        Raises:
            NotFoundError: No such run.
            ConflictError: It has not ended, its pin is gone, or a run or release is active.
        """
        with self._store.transaction() as tx:
            before = tx.runs.get(id)
            if not before.has_ended:
                raise ConflictError(f"run {id} has not ended ({before.state}); wait for its end, or cancel it first")
            if before.pin and before.pin not in [pin.name for pin in tx.pins.list(before.endpoint)]:
                raise ConflictError(
                    f"the pin of run {id} was let go, as a later run has ended; "
                    f"ask for a new one: interlock retrain {before.endpoint}"
                )
            if before.wants_release:
                check_free(tx, before.endpoint)
            cause = f"run {id} again"
            asked = asking.Asked(before.settings, before.mode, cause, before.wants_release, before.pin)
            return asking.ask(tx, before.endpoint, asked, Mover(actor.name, actor.role, self._clock()))

    def cancel(self, id: str, actor: Key) -> Run:
        """End a run. One that works is ended by its controller within a second or two.

        Raises:
            NotFoundError: No such run.
            ConflictError: Its version is registered already.
        """
        with self._store.transaction() as tx:
            run, now = tx.runs.get(id), self._clock()
            mover = Mover(actor.name, actor.role, now)
            if run.state == "queued":
                return run_road.cancel(tx, run, mover)
            if run.state in GAVE_A_VERSION:
                raise ConflictError(f"run {id} has given {run.version} already; roll its release back if it has one")
            return run if run.has_ended or run.cancelled_by else run_road.want_cancelled(tx, run, mover)

    def get(self, id: str) -> Run:
        """Raises NotFoundError."""
        with self._store.read() as tx:
            return tx.runs.get(id)

    def list(self, endpoint: str | None = None) -> list[Run]:
        """All, or those of one endpoint, in the order in which they were asked for."""
        with self._store.read() as tx:
            return tx.runs.list(endpoint)

    def log(self, id: str, most_bytes: int) -> str:
        """The last part of what a run's processes said, where its folder is on this machine.

        Raises:
            NotFoundError: No such run.
        """
        return workspace.tail(self._folders / self.get(id).id, most_bytes)
