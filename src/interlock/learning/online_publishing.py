"""A snapshot becomes a version, and where its owner has declared so, the champion: in one transaction with its learner.

Called by online learners when the guard lets a snapshot pass. It goes the way of every version and of every plan: the
registry adds it, the endpoint's traffic plan gets a next generation, and both stand in the audit log. It never touches
an endpoint that is under release, nor one whose champion is not the learner's own: then somebody else has decided.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from interlock.domain.errors import ConflictError, NotFoundError
from interlock.domain.learner import Learner
from interlock.domain.model import ModelVersion
from interlock.registry.artifacts import ArtifactStore
from interlock.registry.registration import Candidate
from interlock.registry.service import Registry
from interlock.releases import champions
from interlock.releases.road import Mover
from interlock.runtimes.snapshots import LEARNER
from interlock.store.transaction import Transaction

ACTOR = "online-learning"
"""As the audit log names who acts here."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is published.

    Args:
        learner: As it is stored when the snapshot is.
        good: The version before.
        lessons: Ids and labels that it was taught since then, in order.
        chain: Digest over the rows of these lessons.
        serve: Whether it becomes the champion.
        losses: Of the guard's evidence.
        taken: The learner as it will be stored, given the snapshot's `name:version`.
    """

    learner: Learner
    good: ModelVersion
    lessons: Sequence[tuple[str, Any]]
    chain: str
    serve: bool
    losses: dict[str, float]
    taken: Callable[[str], Learner]


def mover(at: datetime, reason: str) -> Mover:
    """The learner as one who acts."""
    return Mover(ACTOR, "system", at, reason)


def why_not(tx: Transaction, learner: Learner) -> str:
    """Why a snapshot may not become the champion now, or nothing."""
    try:
        plan = tx.plans.current(learner.endpoint)
    except NotFoundError:
        return f"endpoint {learner.endpoint!r} serves nothing"
    if active := [release.id for release in tx.releases.active(learner.endpoint)]:
        return f"waits for the end of release {active[0]}"
    if plan.champion != learner.good:
        return superseded(plan.champion, learner)
    return ""


def superseded(champion: str, learner: Learner) -> str:
    """The sentence for a champion that is not the learner's own."""
    return (
        f"{champion} is the champion now, which this learner did not make (its own is {learner.good}); "
        f"`interlock learn resume {learner.endpoint}` goes on from the champion"
    )


class Publisher:
    """Publishes snapshots.

    Args:
        registry: Adds versions.
        artifacts: Where their files go.
        folder: Of the learner: where what it has learnt is.
    """

    def __init__(self, registry: Registry, artifacts: Path, folder: Path) -> None:
        self._registry, self._artifacts, self._folder = registry, ArtifactStore(artifacts), folder

    def publish(self, snapshot: Snapshot, at: datetime) -> ModelVersion:
        """Make it a version, and the champion if that is wanted.

        Raises:
            ConflictError: The learner was changed meanwhile, or its snapshot may not serve any more.
        """
        digest = self._artifacts.put(self._folder / snapshot.learner.model_digest)
        listed = self._list(snapshot.lessons)
        version = msgspec.structs.replace(
            snapshot.good,
            digest=digest,
            serving_digest=digest,
            created_by=ACTOR,
            warnings=(),
            lineage=_lineage(snapshot, listed),
        )
        details = {"digest": digest, "format": version.model_format, "placement": version.placement}
        candidate = Candidate(version=version, role="system", details=details)

        def also(tx: Transaction, added: ModelVersion) -> None:
            if snapshot.serve and (reason := why_not(tx, snapshot.learner)):
                raise ConflictError(reason)
            tx.learners.update(snapshot.taken(added.ref))
            self._audit(tx, snapshot, added, listed, at)
            if snapshot.serve:
                by = mover(at, f"snapshot of {snapshot.learner.id}: {snapshot.taken(added.ref).sentence}")
                champions.succeed(tx, snapshot.learner.endpoint, added.ref, by)

        return self._registry.add(candidate, also)

    def _list(self, lessons: Sequence[tuple[str, Any]]) -> str:
        """Store the list of lessons; its SHA-256."""
        table = pa.table(
            {
                "prediction_id": pa.array([id for id, _ in lessons], pa.string()),
                "label": [label for _, label in lessons],
            }
        )
        with TemporaryDirectory(prefix="interlock-lessons-") as folder:
            path = Path(folder) / "lessons.parquet"
            pq.write_table(table, path, compression="zstd")
            return self._artifacts.put(path)

    def _audit(self, tx: Transaction, snapshot: Snapshot, added: ModelVersion, listed: str, at: datetime) -> None:
        learner = snapshot.learner
        details = {
            "learner": learner.id,
            "version": added.ref,
            "before": learner.good,
            "lessons": len(snapshot.lessons),
            "lessons_sha256": listed,
            "serves": snapshot.serve,
            "losses": snapshot.losses,
        }
        tx.audit.append(at, ACTOR, "system", "learner.publish", learner.endpoint, details)


def read_lessons(artifacts: Path, digest: str) -> list[tuple[str, Any]]:
    """The list of lessons of a snapshot, in order.

    Raises:
        UnloadableModelError: It is gone or damaged.
    """
    table = pq.read_table(ArtifactStore(artifacts).verify(digest))
    return list(zip(table["prediction_id"].to_pylist(), table["label"].to_pylist(), strict=True))


def _lineage(snapshot: Snapshot, listed: str) -> dict[str, Any]:
    learner = snapshot.learner
    return {
        "origin": f"learner {learner.id}",
        "parent": learner.good,
        LEARNER: learner.id,
        "learnt": learner.counts.get("learnt", 0),
        "lessons": len(snapshot.lessons),
        "lessons_sha256": listed,
        "rows_sha256": snapshot.chain,
        "labels_version": learner.cursor.version,
        "labels_until": learner.cursor.at.isoformat() if learner.cursor.at is not None else None,
        "losses": snapshot.losses,
    }
