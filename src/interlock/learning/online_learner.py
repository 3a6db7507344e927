"""One learner: reads labels in order, learns each once, and publishes snapshots that pass the guard.

Run by the learner's own process, step after step. What a step has learnt is saved first; then one transaction moves the
learner with its cursor, and with it the snapshot that is published. Killed at any instant it goes on from the last such
transaction and reads the same labels again. Whoever else changes the learner (a person, or a second process) makes its
next transaction fail, after which it reads what there is now.
"""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from interlock.domain.errors import ConflictError, InterlockError, UnloadableModelError
from interlock.domain.learner import Learner, Progress
from interlock.domain.model import ModelVersion
from interlock.domain.online import OnlineLearning
from interlock.learning import online_bounds, online_guard, online_lessons, online_losses, online_publishing
from interlock.learning.judging import loss_of
from interlock.learning.online_checkpoint import Checkpoint, Memory
from interlock.learning.online_feed import Batch, OnlineFeed
from interlock.learning.online_guard import Evidence, Guarded
from interlock.learning.online_lessons import Lessons
from interlock.learning.online_publishing import Publisher, Snapshot
from interlock.learning.online_student import Student, StudentLostError, Taught
from interlock.registry.service import Registry
from interlock.store.database import Store

_log = logging.getLogger(__name__)

MOST_LABELS = 5000
"""Read in one step: what a kill may cost is the time to learn these again."""

# Each time its process was started anew. A label that ends it would do so for ever.
_MOST_LOSSES = 3


@dataclass(frozen=True, slots=True)
class Places:
    """Folders: of artifacts, of the log, and of the learner."""

    artifacts: Path
    log: Path
    folder: Path


@dataclass(frozen=True, slots=True)
class _Course:
    """A learner as it was read, with what belongs to it."""

    learner: Learner
    declared: OnlineLearning
    good: ModelVersion
    checkpoint: Checkpoint


class OnlineLearner:
    """The learner of one endpoint.

    Args:
        endpoint: Whose.
        store: Where it stands.
        registry: Adds its snapshots.
        places: Folders.
        clock: Aware UTC.
    """

    def __init__(
        self, endpoint: str, store: Store, registry: Registry, places: Places, clock: Callable[[], datetime]
    ) -> None:
        self._endpoint, self._store, self._places, self._clock = endpoint, store, places, clock
        self._memory = Memory(places.folder)
        self._publisher = Publisher(registry, places.artifacts, places.folder)
        self._feed = OnlineFeed(places.log, endpoint)
        self._student: Student | None = None
        self._course: _Course | None = None
        self._guarded: Guarded | None = None
        self._losses = 0

    def close(self) -> None:
        """End the model's process. What was not saved is learnt again."""
        self._forget()
        self._feed.close()

    @property
    def is_wanted(self) -> bool:
        """Whether it should learn at all."""
        with self._store.read() as tx:
            learner, declared = tx.learners.find(self._endpoint), tx.online_learnings.get(self._endpoint)
        return declared is not None and learner is not None and learner.state == "learning"

    @property
    def every_seconds(self) -> float:
        """How long after the last snapshot the next one is due."""
        return self._course.declared.every_seconds if self._course is not None else 0.0

    def step(self) -> bool:
        """Learn from the labels that have come, and publish what is due. Whether there was anything to do."""
        try:
            course = self._take_up()
            return course is not None and self._learn(course)
        except ConflictError as error:
            _log.warning("%s", error)
            self._forget()
            return True
        except StudentLostError as error:
            self._forget()
            self._lose(error)
            return True
        except InterlockError as error:
            self._forget()
            self._fail(str(error))
            return True

    # Taking up.

    def _take_up(self) -> _Course | None:
        """Be where the store says that the learner is."""
        with self._store.read() as tx:
            learner, declared = tx.learners.find(self._endpoint), tx.online_learnings.get(self._endpoint)
            if learner is None or declared is None or learner.state != "learning":
                self._forget()
                return None
            known = self._course
            if known is not None and (known.learner.id, known.learner.revision) == (learner.id, learner.revision):
                return replace(known, declared=declared)
            good = tx.models.get(learner.good)
        self._forget()
        self._student = Student(good, self._places.artifacts, self._places.folder)
        try:
            self._student.restore(learner.model_digest)
            self._course = _Course(learner, declared, good, self._memory.load(learner.checkpoint))
        except UnloadableModelError as error:
            if not (learner.model_digest or learner.checkpoint):
                raise
            blank = _Course(learner, declared, good, Checkpoint())
            moved = msgspec.structs.replace(learner, revision=learner.revision + 1)
            self._go_back(replace(blank, learner=moved), f"back to {learner.good}: {error}")
        return self._course

    def _forget(self) -> None:
        self._course = self._guarded = None
        if self._student is not None:
            self._student.close()
            self._student = None

    # One step.

    def _learn(self, course: _Course) -> bool:
        learner = course.learner
        batch = self._feed.read(learner.cursor, course.checkpoint.held, MOST_LABELS)
        chosen = online_bounds.choose(course.good.contract, course.declared.bounds, batch, course.checkpoint.minutes)
        is_news = len(batch.said) > batch.held or chosen.rows or batch.cursor != learner.cursor
        if not is_news and not self._may_publish(course):
            return False
        lessons = online_lessons.lessons(
            course.good.contract, batch.rows.take(pa.array(chosen.rows, pa.int64())), chosen.labels
        )
        outcome = _Outcome(course, batch, chosen, lessons)
        if len(lessons):
            assert self._student is not None
            outcome.note(self._student.teach(lessons.columns, lessons.labels))
        self._losses = 0
        self._conclude(outcome)
        return bool(is_news)

    def _is_due(self, course: _Course) -> bool:
        learner, declared = course.learner, course.declared
        if not learner.lessons:
            return False
        since = learner.published_at or learner.started_at
        is_late = (self._clock() - since).total_seconds() >= declared.every_seconds
        return learner.lessons >= declared.every_labels or is_late

    def _may_publish(self, course: _Course) -> bool:
        """Whether something can come of a step without new labels."""
        if not self._is_due(course):
            return False
        self._guarded = self._guarded or self._guard(course)
        if self._guarded.verdict != "publish":
            return False
        with self._store.read() as tx:
            return not (course.declared.serve and online_publishing.why_not(tx, course.learner).startswith("waits"))

    def _conclude(self, outcome: "_Outcome") -> None:
        """Save what was learnt, hear the guard, and write all of it down."""
        moved = self._saved(outcome)
        course = replace(outcome.course, learner=moved, checkpoint=outcome.checkpoint)
        guarded = self._guarded = self._guard(course)
        if guarded.verdict == "go_back":
            self._go_back(course, guarded.sentence)
            return
        if guarded.verdict == "publish" and self._is_due(course):
            if course.declared.serve:
                with self._store.read() as tx:
                    reason = online_publishing.why_not(tx, moved)
                if reason:
                    self._stay(course, reason)
                    return
            self._publish(course, guarded)
            return
        self._write(course, msgspec.structs.replace(moved, sentence=guarded.sentence), outcome.batch.has_gap)

    def _saved(self, outcome: "_Outcome") -> Learner:
        """The learner after this step, with its files written."""
        learner = outcome.course.learner
        model = learner.model_digest
        size = learner.lessons_bytes
        if outcome.taught_rows:
            assert self._student is not None
            model = self._student.save()
            size = self._memory.append(learner, outcome.taught.ids, outcome.taught.labels)
        return msgspec.structs.replace(
            learner,
            revision=learner.revision + 1,
            model_digest=model,
            checkpoint=self._memory.save(outcome.checkpoint),
            cursor=outcome.batch.cursor,
            lessons=learner.lessons + outcome.taught_rows,
            lessons_bytes=size,
            counts=_added(learner.counts, outcome.counts),
            progress=outcome.progress,
            losses=outcome.losses,
            seen_at=self._clock(),
        )

    def _guard(self, course: _Course) -> Guarded:
        return online_guard.judge(
            course.checkpoint.evidence,
            loss=loss_of(course.good.contract),
            good=course.learner.good,
            margin=course.declared.margin,
            planned=course.declared.every_labels,
        )

    # What may come of it.

    def _write(self, course: _Course, moved: Learner, has_gap: bool) -> None:
        with self._store.transaction() as tx:
            tx.learners.update(moved)
            if has_gap:
                details = {"learner": moved.id, "labels_until": moved.cursor.at and moved.cursor.at.isoformat()}
                tx.audit.append(
                    self._clock(), online_publishing.ACTOR, "system", "learner.gap", self._endpoint, details
                )
        self._settle(course, moved)

    def _settle(self, course: _Course, learner: Learner) -> None:
        self._course = replace(course, learner=learner)
        self._memory.clean(learner)

    def _stay(self, course: _Course, reason: str) -> None:
        """Good enough, and somebody else decides what serves."""
        state = "learning" if reason.startswith("waits") else "superseded"
        moved = msgspec.structs.replace(course.learner, state=state, sentence=reason)
        with self._store.transaction() as tx:
            tx.learners.update(moved)
            if state == "superseded":
                details = {"learner": moved.id, "reason": reason}
                tx.audit.append(
                    self._clock(), online_publishing.ACTOR, "system", "learner.supersede", self._endpoint, details
                )
        self._settle(course, moved)

    def _publish(self, course: _Course, guarded: Guarded) -> None:
        moved, now = course.learner, self._clock()
        renewed = course.checkpoint.renewed()
        digest = self._memory.save(renewed)

        def taken(ref: str) -> Learner:
            return msgspec.structs.replace(
                moved,
                good=ref,
                checkpoint=digest,
                lessons=0,
                lessons_bytes=0,
                snapshots=moved.snapshots + 1,
                published_at=now,
                sentence=f"{ref} published: {guarded.sentence}",
            )

        snapshot = Snapshot(
            learner=moved,
            good=course.good,
            lessons=self._memory.lessons(moved),
            chain=course.checkpoint.chain.hex(),
            serve=course.declared.serve,
            losses=moved.losses,
            taken=taken,
        )
        version = self._publisher.publish(snapshot, now)
        assert self._student is not None
        self._student.graduate(version)
        self._guarded = None
        self._settle(replace(course, good=version, checkpoint=renewed), taken(version.ref))

    def _go_back(self, course: _Course, reason: str) -> None:
        """Forget what was learnt since the last good snapshot. Its labels are not learnt again."""
        given_up = course.learner
        renewed = course.checkpoint.renewed()
        moved = msgspec.structs.replace(
            given_up,
            model_digest="",
            checkpoint=self._memory.save(renewed),
            lessons=0,
            lessons_bytes=0,
            went_back=given_up.went_back + 1,
            counts=_added(given_up.counts, Counter({"given_up": given_up.lessons})),
            sentence=reason,
        )
        with self._store.transaction() as tx:
            tx.learners.update(moved)
            details = {
                "learner": moved.id,
                "to": moved.good,
                "lessons": given_up.lessons,
                "reason": reason,
                "losses": given_up.losses,
            }
            tx.audit.append(
                self._clock(), online_publishing.ACTOR, "system", "learner.go_back", self._endpoint, details
            )
        assert self._student is not None
        self._student.restore("")
        self._guarded = None
        self._settle(replace(course, checkpoint=renewed), moved)

    def _lose(self, error: StudentLostError) -> None:
        self._losses += 1
        _log.warning("%s (%d)", error, self._losses)
        if self._losses >= _MOST_LOSSES:
            self._fail(f"{error}, {self._losses} times on the same labels")

    def _fail(self, reason: str) -> None:
        """Stop: it cannot go on by itself."""
        _log.warning("the learner of %s stops: %s", self._endpoint, reason)
        with self._store.transaction() as tx:
            now = tx.learners.find(self._endpoint)
            if now is None or now.state != "learning":
                return
            sentence = f"{reason}; `interlock learn resume {self._endpoint}` tries again"
            tx.learners.update(
                msgspec.structs.replace(now, state="failed", revision=now.revision + 1, sentence=sentence)
            )
            details = {"learner": now.id, "reason": reason}
            tx.audit.append(self._clock(), online_publishing.ACTOR, "system", "learner.fail", self._endpoint, details)


class _Outcome:
    """What a step has brought."""

    def __init__(self, course: _Course, batch: Batch, chosen: online_bounds.Chosen, lessons: Lessons) -> None:
        self.course, self.batch = course, batch
        self.taught = lessons.of(np.zeros(len(lessons), dtype=np.bool_))
        self.progress, self.losses = course.learner.progress, course.learner.losses
        self.counts = Counter(chosen.skipped)
        if lessons.unfeedable:
            self.counts["unfeedable"] += lessons.unfeedable
        self.checkpoint = msgspec.structs.replace(course.checkpoint, held=chosen.held, minutes=chosen.minutes)
        self._lessons = lessons

    @property
    def taught_rows(self) -> int:
        return len(self.taught)

    def note(self, taught: Taught) -> None:
        """Take in what became of the lessons."""
        lessons, contract = self._lessons, self.course.good.contract
        self.taught = lessons.of(taught.learnt)
        self.counts["learnt"] += self.taught_rows
        if taught.errors:
            self.counts["failed"] += len(taught.errors)
            _log.warning("%d labels could not be learnt from: %s", len(taught.errors), taught.errors[0])
        mine = online_losses.of_answers(contract, lessons.labels, taught.outputs, taught.answered)
        good = online_losses.of_answers(contract, lessons.labels, taught.good, taught.good_answered)
        naive, no_change = online_losses.of_no_change(contract, lessons.labels, self.checkpoint.no_change)
        self._progress(taught, mine)
        # Rows without an answer yet say nothing; an answer that breaks the contract stays in, as nan.
        kept = taught.answered
        new = Evidence(mine[kept], good[kept], naive[kept], self._units()[kept], self._events()[kept])
        evidence = online_guard.joined(self.checkpoint.evidence, new)
        said = online_lessons.served(contract, lessons)
        said = said[np.isfinite(said)]
        served = (self.checkpoint.served[0] + float(said.sum()), self.checkpoint.served[1] + len(said))
        self.losses = evidence.mean() | ({"served": served[0] / served[1]} if served[1] else {})
        self.checkpoint = msgspec.structs.replace(
            self.checkpoint.with_evidence(evidence),
            no_change=no_change,
            served=served,
            chain=online_lessons.chained(self.checkpoint.chain, self.taught),
        )

    def _progress(self, taught: Taught, mine: Any) -> None:
        usable = np.isfinite(mine)
        wrong = 0
        if self.course.good.contract.is_classifier and taught.outputs:
            wrong = int((~online_losses.right(self._lessons.labels, taught.outputs))[usable].sum())
        before = self.progress
        self.progress = Progress(
            rows=before.rows + int(usable.sum()),
            loss=before.loss + float(mine[usable].sum()),
            wrong=before.wrong + wrong,
        )

    def _units(self) -> Any:
        table = self._lessons.table
        named = zip(*(table[name].to_pylist() for name in ("unit", "request_id", "prediction_id")), strict=True)
        return np.array([online_losses.unit_number(a or b or c) for a, b, c in named], dtype=np.int64)

    def _events(self) -> Any:
        return self._lessons.table["event_at"].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()


def _added(counts: dict[str, int], more: Counter[str]) -> dict[str, int]:
    return {name: counts.get(name, 0) + more[name] for name in dict.fromkeys([*counts, *more])}
