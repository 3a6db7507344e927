"""What a learner must remember beside its model: labels that wait, the guard's evidence, the lessons since a snapshot.

Written before the transaction that names it, and read by whoever takes the learner up again. Files are known by their
SHA-256; the list of lessons grows by appending, and its length stands in the store: what is beyond was never learnt.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from interlock.domain.errors import UnloadableModelError
from interlock.domain.learner import Learner
from interlock.learning import online_guard
from interlock.learning.online_bounds import MinuteCount
from interlock.learning.online_feed import SaidLabel
from interlock.learning.online_guard import Evidence
from interlock.learning.online_losses import NoChange


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered.

    Args:
        held: Labels that wait for their prediction.
        minutes: What taught lately.
        no_change: The last label, and what followed what.
        learner, good, without: Losses of the evidence, as bytes of float64; `without` is of the last label.
        units, events: Of the evidence, as bytes of int64.
        served: Sum and number of the losses of what callers got, on the same rows.
        chain: Digest over every row learnt since the last good snapshot.
    """

    held: list[SaidLabel] = []
    minutes: MinuteCount = MinuteCount()
    no_change: NoChange = NoChange()
    learner: bytes = b""
    good: bytes = b""
    without: bytes = b""
    units: bytes = b""
    events: bytes = b""
    served: tuple[float, int] = (0.0, 0)
    chain: bytes = b""

    @property
    def evidence(self) -> Evidence:
        return Evidence(
            _floats(self.learner), _floats(self.good), _floats(self.without), _ints(self.units), _ints(self.events)
        )

    def with_evidence(self, evidence: Evidence) -> "Checkpoint":
        """The same with other evidence."""
        return msgspec.structs.replace(
            self,
            learner=evidence.learner.tobytes(),
            good=evidence.good.tobytes(),
            without=evidence.no_change.tobytes(),
            units=evidence.units.tobytes(),
            events=evidence.events.tobytes(),
        )

    def renewed(self) -> "Checkpoint":
        """The same, right after a snapshot."""
        return msgspec.structs.replace(self.with_evidence(online_guard.empty()), served=(0.0, 0), chain=b"")


class Memory:
    """The files of one learner.

    Args:
        folder: Its own.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, checkpoint: Checkpoint) -> str:
        """Write a checkpoint; its SHA-256."""
        content = msgspec.msgpack.encode(checkpoint)
        digest = hashlib.sha256(content).hexdigest()
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / f".{digest}.{os.getpid()}"
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.folder / digest)
        return digest

    def load(self, digest: str) -> Checkpoint:
        """Read one; empty: nothing is remembered.

        Raises:
            UnloadableModelError: It is not there, or damaged.
        """
        if not digest:
            return Checkpoint()
        try:
            content = (self.folder / digest).read_bytes()
        except OSError as error:
            raise UnloadableModelError(f"checkpoint {digest[:12]} of the learner cannot be read: {error}") from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise UnloadableModelError(f"checkpoint {digest[:12]} of the learner is damaged")
        return msgspec.msgpack.decode(content, type=Checkpoint)

    def append(self, learner: Learner, ids: Sequence[str], labels: Sequence[Any]) -> int:
        """List lessons after those that count; the length of the list in bytes."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = b"".join(msgspec.json.encode([id, label]) + b"\n" for id, label in zip(ids, labels, strict=True))
        with self._lessons(learner).open("ab") as file:
            file.truncate(learner.lessons_bytes)  # what a killed process had listed and not learnt
            file.seek(0, os.SEEK_END)
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
            return file.tell()

    def lessons(self, learner: Learner) -> list[tuple[str, Any]]:
        """The lessons since the last good snapshot, in order."""
        if not learner.lessons_bytes:
            return []
        with self._lessons(learner).open("rb") as file:
            content = file.read(learner.lessons_bytes)
        return [(id, label) for id, label in map(msgspec.json.decode, content.splitlines())]

    def clean(self, learner: Learner) -> None:
        """Remove what nothing names any more."""
        kept = {learner.model_digest, learner.checkpoint, self._lessons(learner).name}
        for path in self.folder.iterdir():
            if path.is_file() and path.name not in kept and path.suffix != ".log":
                path.unlink(missing_ok=True)

    def _lessons(self, learner: Learner) -> Path:
        # By the course that it is: a list is never taken for that of another one.
        return self.folder / f"lessons-{learner.id}-{learner.snapshots}-{learner.went_back}.jsonl"


def _floats(content: bytes) -> NDArray[np.float64]:
    return np.frombuffer(content, dtype=np.float64)


def _ints(content: bytes) -> NDArray[np.int64]:
    return np.frombuffer(content, dtype=np.int64)
