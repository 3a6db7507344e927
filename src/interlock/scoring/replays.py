"""Replays as people start, watch and cancel them. Called by the control API.

The work is done by a process of its own (`replay_job`), watched by a thread here: the API answers while it runs. It
refuses what cannot end well before anything is started: a candidate that is not there, columns that privacy rules keep
out of the log.
"""

import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from interlock.domain.access import Key
from interlock.domain.errors import ConflictError, InvalidInputError, NotFoundError, OverloadedError
from interlock.domain.replay import Replay
from interlock.scoring.replay_plan import Task, unreplayable
from interlock.store.database import Store
from interlock.store.transaction import Transaction

_log = logging.getLogger(__name__)

# A hundred million rows of a quick model take some ten minutes; who has slower ones asks for a sample.
_SECONDS = 4 * 3600.0
# Beyond its limit it has this long to say so itself.
_GRACE_SECONDS = 60.0
# Each takes a core.
_MOST_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for.

    Args:
        candidate: `name:version`.
        since, until: Range of `event_at`, the end excluded; None is open.
        limit: At most so many rows, chosen evenly over the range.
    """

    endpoint: str
    candidate: str
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """Where a replay's process finds everything: URL of the store, root of the log, folder of artifacts."""

    store_url: str
    log: Path
    artifacts: Path


class Replays:
    """Replays of every endpoint.

    Args:
        store: The control plane's store.
        places: For the processes.
        clock: Aware UTC.
        seconds: Time limit of each.
    """

    def __init__(
        self, store: Store, places: Places, clock: Callable[[], datetime], *, seconds: float = _SECONDS
    ) -> None:
        self._store, self._places, self._clock, self._seconds = store, places, clock, seconds

    def start(self, wanted: Wanted, *, actor: Key) -> Replay:
        """Start one, and return at once.

        Raises:
            NotFoundError: No such endpoint or version.
            InvalidInputError: The range or the limit makes no sense.
            ConflictError: The log does not hold what the candidate would be fed with, and why.
            OverloadedError: Too many run already.
        """
        _check(wanted)
        with self._store.transaction() as tx:
            replay = self._draft(tx, wanted, actor)
            if reason := unreplayable(tx, replay):
                raise ConflictError(f"{wanted.candidate} cannot be replayed on {wanted.endpoint!r}: {reason}")
            tx.replays.add(replay)
            self._audit(tx, replay, actor, "replay.start")
        threading.Thread(target=self._run, args=(replay.id,), name=replay.id, daemon=True).start()
        return replay

    def get(self, endpoint: str, id: str) -> Replay:
        """One of an endpoint, as it is to be shown.

        Raises:
            NotFoundError: It has none of that id.
        """
        with self._store.read() as tx:
            found = tx.replays.get(id)
        if found.endpoint != endpoint:
            raise NotFoundError("replay", id)
        return found.seen(self._clock())

    def list(self, endpoint: str) -> list[Replay]:
        """Those of an endpoint, newest first.

        Raises:
            NotFoundError: No such endpoint.
        """
        with self._store.read() as tx:
            tx.endpoints.get(endpoint)
            found = tx.replays.list(endpoint)
        return [each.seen(self._clock()) for each in reversed(found)]

    def latest(self, endpoint: str, candidate: str) -> Replay | None:
        """The newest of a candidate that has a report."""
        with self._store.read() as tx:
            found = [each for each in tx.replays.list(endpoint) if each.candidate == candidate and each.report]
        return found[-1] if found else None

    def cancel(self, endpoint: str, id: str, *, actor: Key) -> Replay:
        """Ask one to stop; it does within seconds. One that has ended stays as it is."""
        replay = self.get(endpoint, id)
        if replay.state != "running" or replay.is_cancelled:
            return replay
        with self._store.transaction() as tx:
            self._audit(tx, replay, actor, "replay.cancel")
            return tx.replays.change(id, lambda one: msgspec.structs.replace(one, is_cancelled=True))

    def _draft(self, tx: Transaction, wanted: Wanted, actor: Key) -> Replay:
        now = self._clock()
        tx.endpoints.get(wanted.endpoint)
        tx.models.get(wanted.candidate)
        everywhere = [each.seen(now) for each in tx.replays.list()]
        if sum(each.state == "running" for each in everywhere) >= _MOST_AT_ONCE:
            raise OverloadedError(f"{_MOST_AT_ONCE} replays are running already; wait for one, or cancel it", 30.0)
        return Replay(
            id=f"{wanted.endpoint}-replay-{len(tx.replays.list(wanted.endpoint)) + 1}",
            endpoint=wanted.endpoint,
            candidate=wanted.candidate,
            champion=tx.plans.current(wanted.endpoint).champion,
            state="running",
            created_at=now,
            created_by=actor.name,
            heard_at=now,
            since=wanted.since,
            until=wanted.until,
            limit=wanted.limit,
        )

    def _audit(self, tx: Transaction, replay: Replay, actor: Key, action: str) -> None:
        details = {"replay": replay.id, "candidate": replay.candidate}
        tx.audit.append(self._clock(), actor.name, actor.role, action, replay.endpoint, details)

    def _run(self, id: str) -> None:
        """Start the process and wait for its end. One that dies without a word has failed."""
        places = self._places
        task = Task(places.store_url, str(places.log), str(places.artifacts), id, self._seconds)
        command = [sys.executable, "-P", "-m", "interlock.scoring.replay_job"]
        try:
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as job:
                try:
                    assert job.stdin is not None
                    job.stdin.write(msgspec.json.encode(task) + b"\n")
                    job.stdin.flush()
                    job.wait(self._seconds + _GRACE_SECONDS)
                except subprocess.TimeoutExpired:
                    _log.warning("replay %s did not end in its time, and is ended", id)
                finally:
                    job.kill()
            error = f"its process ended (code {job.returncode}), most likely for lack of memory or time"
        except OSError as fault:
            error = f"its process could not be started: {fault.strerror or fault}"
        self._note_end(id, error)

    def _note_end(self, id: str, error: str) -> None:
        now = self._clock()

        def failed(one: Replay) -> Replay:
            if one.state != "running":
                return one
            return msgspec.structs.replace(one, state="failed", error=error, heard_at=now, finished_at=now)

        try:
            with self._store.transaction() as tx:
                tx.replays.change(id, failed)
        except Exception:
            # Who looks sees that nothing was heard of it for a while.
            _log.exception("the end of replay %s could not be noted", id)


def _check(wanted: Wanted) -> None:
    faults = []
    since, until = wanted.since, wanted.until
    if since is not None and until is not None and since >= until:
        faults.append(f"since == {since.isoformat()}, must be before until == {until.isoformat()}")
    if wanted.limit is not None and wanted.limit < 1:
        faults.append(f"limit == {wanted.limit}, must be at least 1")
    if faults:
        raise InvalidInputError(*faults)
