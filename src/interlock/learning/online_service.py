"""What people do with online learning: declare it, look, pause and resume a learner, set it back. Called by the API.

Each is one transaction with its entry in the audit log. A learner that works at that moment is refused its next
transaction, and goes on from what was written here.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from interlock.domain.access import Act, Key
from interlock.domain.errors import ConflictError, ForbiddenError, NotFoundError
from interlock.domain.learner import Cursor, Learner, LearnerState
from interlock.domain.online import OnlineLearning, parse
from interlock.learning import online_declaring
from interlock.learning.online_feed import OnlineFeed
from interlock.releases import champions
from interlock.releases.road import Mover
from interlock.runtimes.snapshots import LEARNER
from interlock.store.database import Store
from interlock.store.transaction import Transaction


class LearnerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A learner, and how it stands to the world.

    Args:
        learner: As stored.
        declared: What is declared; None where it was taken away.
        behind: Labels in the log that it has not read; -1 where it is too far behind to say.
        serves: Whether the champion is its own.
    """

    learner: Learner
    declared: OnlineLearning | None
    behind: int
    serves: bool


class OnlineLearners:
    """Online learning of every endpoint.

    Args:
        store: The control plane's store.
        log: Root of the log.
        clock: Aware UTC.
    """

    def __init__(self, store: Store, log: Path, clock: Callable[[], datetime]) -> None:
        self._store, self._log, self._clock = store, log, clock

    def declare(self, endpoint: str, document: Mapping[str, Any], actor: Key) -> OnlineLearning:
        """Put a declaration in the place of the one before.

        Raises:
            NotFoundError: No such endpoint, or no such version.
            InvalidInputError: It breaks rules, or the version cannot learn from this log.
            ConflictError: It would serve, and is not what serves.
            ForbiddenError: It would serve, and `actor` is no administrator.
        """
        declared = parse(document)
        if declared.serve and not actor.may("admin"):
            raise ForbiddenError(
                f"key {actor.name!r} (role {actor.role}) may not let snapshots serve by themselves; that needs "
                "role admin"
            )
        newest = self.newest(endpoint)
        with self._store.transaction() as tx:
            online_declaring.put(tx, endpoint, declared, Act(actor, self._clock()), newest)
        return declared

    def withdraw(self, endpoint: str, actor: Key) -> None:
        """Take a declaration away: the learner stops. Its versions stay, and so does what serves.

        Raises:
            NotFoundError: No such endpoint, or nothing is declared.
        """
        with self._store.transaction() as tx:
            tx.endpoints.get(endpoint)
            if tx.online_learnings.get(endpoint) is None:
                raise NotFoundError("online learning of endpoint", endpoint)
            online_declaring.put(tx, endpoint, None, Act(actor, self._clock()), Cursor())

    def declared(self, endpoint: str) -> OnlineLearning | None:
        """What is declared, or None.

        Raises:
            NotFoundError: No such endpoint.
        """
        with self._store.read() as tx:
            tx.endpoints.get(endpoint)
            return tx.online_learnings.get(endpoint)

    def status(self, endpoint: str) -> LearnerStatus:
        """How a learner is doing.

        Raises:
            NotFoundError: The endpoint has none.
        """
        with self._store.read() as tx:
            learner, declared = tx.learners.get(endpoint), tx.online_learnings.get(endpoint)
            champions_now = {plan.endpoint: plan.champion for plan in tx.plans.all_current()}
        feed = OnlineFeed(self._log, endpoint)
        try:
            behind = feed.waiting(learner.cursor)
        finally:
            feed.close()
        serves = champions_now.get(endpoint) == learner.good
        return LearnerStatus(learner=learner, declared=declared, behind=behind, serves=serves)

    def list(self) -> list[Learner]:
        """All learners, by endpoint."""
        with self._store.read() as tx:
            return tx.learners.list()

    def pause(self, endpoint: str, actor: Key) -> Learner:
        """Let a learner stop where it is. What serves goes on serving.

        Raises:
            NotFoundError: The endpoint has no learner.
            ConflictError: It does not learn.
        """
        with self._store.transaction() as tx:
            now = _in(tx, endpoint, "learning")
            moved = _moved(now, state="paused", stopped_by=actor.name, sentence=f"paused by {actor.name}")
            return self._write(tx, moved, actor, "learner.pause", {})

    def resume(self, endpoint: str, actor: Key) -> Learner:
        """Let a learner go on: after a pause where it stopped; from the champion, if that is not its own any more.

        Raises:
            NotFoundError: The endpoint has no learner.
            ConflictError: It learns already, nothing is declared, or it was to serve and the champion cannot learn.
            InvalidInputError: The champion cannot learn.
        """
        with self._store.transaction() as tx:
            now = _in(tx, endpoint, "paused", "superseded", "failed")
            declared = tx.online_learnings.get(endpoint)
            if declared is None:
                raise ConflictError(
                    f"nothing is declared of online learning on {endpoint!r}; `interlock endpoint learn`"
                )
            moved = _moved(now, state="learning", stopped_by="", place="", sentence="resumed")
            champion = tx.plans.current(endpoint).champion
            if declared.serve and champion != now.good:
                moved = _restarted(moved, champion, f"goes on from {champion}")
            online_declaring.check(tx, endpoint, declared, moved)
            return self._write(tx, moved, actor, "learner.resume", {"from": moved.good})

    def go_back(self, endpoint: str, to: str | None, actor: Key) -> Learner:
        """Set a learner back to an earlier snapshot of its own, or to what it began with. If it serves, that serves.

        Args:
            endpoint: Whose.
            to: `name:version`. Default: the snapshot before its last good one.
            actor: Who asks.

        Raises:
            NotFoundError: The endpoint has no learner, or there is no such version.
            ConflictError: The version is not its own; or it serves, and the endpoint is under release.
        """
        with self._store.transaction() as tx:
            now, plan = tx.learners.get(endpoint), tx.plans.current(endpoint)
            target = to or tx.models.get(now.good).lineage.get("parent")
            if (now.good == now.base and to is None) or not isinstance(target, str):
                raise ConflictError(f"{now.id} has published nothing that it could go back from")
            if target != now.base and tx.models.get(target).lineage.get(LEARNER) != now.id:
                raise ConflictError(
                    f"{target} is no snapshot of {now.id}; `interlock release rollback` takes any version"
                )
            moved = _restarted(_moved(now), target, f"set back to {target} by {actor.name}")
            serves = plan.champion == now.good and target != now.good
            if serves:
                by = Mover.person(actor, self._clock(), f"{now.id} set back")
                champions.succeed(tx, endpoint, target, by)
            details = {"from": now.good, "to": target, "served": serves, "lessons": now.lessons}
            return self._write(tx, moved, actor, "learner.back", details)

    def newest(self, endpoint: str) -> Cursor:
        """How far the labels in the log go."""
        feed = OnlineFeed(self._log, endpoint)
        try:
            return feed.newest()
        finally:
            feed.close()

    def _write(self, tx: Transaction, moved: Learner, actor: Key, action: str, details: dict[str, Any]) -> Learner:
        tx.learners.update(moved)
        tx.audit.append(self._clock(), actor.name, actor.role, action, moved.endpoint, {"learner": moved.id, **details})
        return moved


def _in(tx: Transaction, endpoint: str, *states: LearnerState) -> Learner:
    learner = tx.learners.get(endpoint)
    if learner.state not in states:
        raise ConflictError(f"{learner.id} is {learner.state}, must be {' or '.join(states)} for this")
    return learner


def _moved(learner: Learner, **changes: Any) -> Learner:
    return msgspec.structs.replace(learner, revision=learner.revision + 1, **changes)


def _restarted(learner: Learner, good: str, sentence: str) -> Learner:
    """The same at another version: what was learnt since is given up, and not learnt again."""
    given_up = learner.counts.get("given_up", 0) + learner.lessons
    return msgspec.structs.replace(
        learner,
        good=good,
        model_digest="",
        checkpoint="",
        lessons=0,
        lessons_bytes=0,
        losses={},
        counts={**learner.counts, "given_up": given_up} if given_up else learner.counts,
        went_back=learner.went_back + 1,
        sentence=sentence,
    )
