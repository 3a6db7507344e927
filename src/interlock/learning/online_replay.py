"""Teaches a snapshot's predecessor the same lessons again: whether the same model comes out.

Called by the control API. What a snapshot was taught is listed with it, by prediction and label; the rows are read from
the log, or from a pin of it, and must be what they were. The model is taught in a process of its own, and nothing of
what comes out is kept.
"""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np

from interlock.domain.errors import InvalidInputError
from interlock.domain.model import ModelVersion
from interlock.domain.pin import split_pin
from interlock.learning import online_lessons
from interlock.learning.online_feed import OnlineFeed
from interlock.learning.online_publishing import read_lessons
from interlock.learning.online_student import Student
from interlock.predictions import pins
from interlock.runtimes.snapshots import LEARNER
from interlock.store.database import Store


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it.

    Args:
        version, parent: The snapshot, and what it was taught from.
        lessons: Labels on its list.
        missing: Rows that the log does not hold any more.
        same_rows: Whether the rows are those that were learnt, by their digest.
        same_bytes: Whether the model that came out has the same bytes.
        same_predictions: Whether it answers these rows alike, to the last bit.
        is_same: Whether it is the same model: the same rows, and the same bytes or the same predictions.
        reason: The sentence a person reads.
    """

    version: str
    parent: str
    lessons: int
    missing: int
    same_rows: bool
    same_bytes: bool
    same_predictions: bool
    is_same: bool
    reason: str


@dataclass(frozen=True, slots=True)
class OnlineReplays:
    """Replays of snapshots.

    Args:
        store: Versions and pins.
        log: Root of the log.
        artifacts: Folder of artifacts.
    """

    store: Store
    log: Path
    artifacts: Path

    def replay(self, ref: str, pin: str | None = None) -> Replayed:
        """Teach its lessons again.

        Args:
            ref: The snapshot, `name:version`.
            pin: `endpoint@name` of a pin that holds the rows. Default: the log as it is.

        Raises:
            NotFoundError: There is no such version or pin.
            InvalidInputError: The version is no snapshot.
            UnloadableModelError: One of the models cannot be loaded.
        """
        with self.store.read() as tx:
            version = tx.models.get(ref)
            learner = version.lineage.get(LEARNER)
            if not isinstance(learner, str):
                raise InvalidInputError(
                    f"{ref} is no snapshot of an online learner, so there is nothing to teach again"
                )
            parent = tx.models.get(version.lineage["parent"])
            root = pins.root(self.log, tx.pins.get(*split_pin(pin))) if pin is not None else self.log
        return self._replayed(version, parent, root, learner.rpartition("-learner-")[0])

    def _replayed(self, version: ModelVersion, parent: ModelVersion, root: Path, endpoint: str) -> Replayed:
        listed = read_lessons(self.artifacts, version.lineage["lessons_sha256"])
        feed = OnlineFeed(root, endpoint)
        try:
            rows = feed.rows([id for id, _ in listed])
        finally:
            feed.close()
        labels = [listed[n][1] for n in rows["n"].to_pylist()]
        lessons = online_lessons.lessons(parent.contract, rows, labels)
        same_rows = online_lessons.chained(b"", lessons).hex() == version.lineage["rows_sha256"]
        same_bytes, same_predictions = self._taught(version, parent, lessons) if len(lessons) else (False, False)
        missing = len(listed) - len(lessons)
        found: dict[str, Any] = {
            "lessons": len(listed),
            "missing": missing,
            "same_rows": same_rows,
            "same_bytes": same_bytes,
            "same_predictions": same_predictions,
            "is_same": same_rows and (same_bytes or same_predictions),
        }
        return Replayed(version=version.ref, parent=parent.ref, reason=_sentence(found), **found)

    def _taught(
        self, version: ModelVersion, parent: ModelVersion, lessons: online_lessons.Lessons
    ) -> tuple[bool, bool]:
        """Whether bytes and predictions of the model that comes out are those of the snapshot."""
        with TemporaryDirectory(prefix="interlock-replay-") as folder:
            student = Student(version, self.artifacts, Path(folder))
            try:
                student.restore_version(parent)
                taught = student.teach(lessons.columns, lessons.labels)
                same_bytes = student.save() == version.digest
                answers, answered = student.answers(lessons.columns)
                of_snapshot, there = student.good_answers(lessons.columns)
            finally:
                student.close()
        same = bool(taught.learnt.all()) and np.array_equal(answered, there)
        same = same and all(np.array_equal(answers[name], of_snapshot[name]) for name in of_snapshot)
        return same_bytes, same


def _sentence(found: dict[str, Any]) -> str:
    if found["missing"]:
        return f"{found['missing']} of {found['lessons']} rows are not in the log any more; a pin may hold them"
    if not found["same_rows"]:
        return "the rows are not those that were learnt: the log was changed since"
    if found["same_bytes"]:
        return f"the same model, byte by byte, from {found['lessons']} labels"
    if found["same_predictions"]:
        return f"the same predictions to the last bit, from {found['lessons']} labels"
    return "another model comes out: it does not learn the same from the same rows"
