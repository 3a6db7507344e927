"""The model that learns, and the last good snapshot beside it, in a process of their own.

Owned by an online learner. The process is the one that serves such models too, without the server's secrets: whatever
a model does while it learns, a crash or a hang ends there and the learner begins again where it had saved.
"""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from interlock.domain.contract import Scalar
from interlock.domain.errors import InterlockError, ModelFailedError
from interlock.domain.model import ModelVersion
from interlock.domain.ports import Columns, rows_of, take
from interlock.registry.artifacts import ArtifactStore
from interlock.runtimes import wire
from interlock.runtimes.isolated import STARTUP_SECONDS
from interlock.runtimes.learning import LEARNT, SILENT
from interlock.runtimes.runner_process import RunnerProcess

_CURRENT, _GOOD = "current", "good"
_BATCH_ROWS = 1000
_BATCH_SECONDS = 60.0


class StudentLostError(InterlockError):
    """The process of the model died, or answered no more, while it learnt."""


@dataclass(frozen=True, slots=True)
class Taught:
    """What became of rows, each an element.

    Args:
        outputs: What the model answered before it learnt.
        answered: Whether it had an answer.
        learnt: Whether it has learnt from the row.
        errors: What it raised on the others.
        good: What the last good snapshot answered.
        good_answered: Whether it had an answer.
    """

    outputs: Mapping[str, NDArray[Any]]
    answered: NDArray[np.bool_]
    learnt: NDArray[np.bool_]
    errors: list[str]
    good: Mapping[str, NDArray[Any]]
    good_answered: NDArray[np.bool_]


class Student:
    """The process.

    Args:
        good: The last good snapshot.
        artifacts: Folder of artifacts.
        folder: Of the learner: what was saved is there by its SHA-256.

    Raises:
        UnloadableModelError: It cannot be loaded.
    """

    def __init__(self, good: ModelVersion, artifacts: Path, folder: Path) -> None:
        self._good, self._saved = good, ArtifactStore(folder)
        self._process = RunnerProcess.empty(good, artifacts, startup_seconds=STARTUP_SECONDS)
        try:
            self.graduate(good)
        except BaseException:
            self._process.kill()
            raise

    def close(self) -> None:
        """End the process."""
        self._process.kill()

    def restore(self, digest: str) -> None:
        """Go on from what was saved; empty: from the last good snapshot.

        Raises:
            UnloadableModelError: It cannot be loaded.
            StudentLostError: The process has died.
        """
        version, folder = self._good, None
        if digest:
            version = msgspec.structs.replace(self._good, digest=digest, serving_digest=digest)
            folder = self._saved.root
        with _lost(self._good):
            self._process.add(_CURRENT, version, folder)

    def restore_version(self, version: ModelVersion) -> None:
        """Learn from a version, whatever it is compared with.

        Raises:
            UnloadableModelError: It cannot be loaded.
            StudentLostError: The process has died.
        """
        with _lost(version):
            self._process.add(_CURRENT, version)

    def graduate(self, good: ModelVersion) -> None:
        """Compare with another snapshot from now on. What is being learnt goes on."""
        with _lost(good):
            self._process.add(_GOOD, good)
        self._good = good

    def teach(self, columns: Columns, labels: Sequence[Scalar]) -> Taught:
        """Let both answer every row, and one of them learn from it.

        Raises:
            ModelFailedError: It cannot learn at all.
            StudentLostError: The process has died.
        """
        with _lost(self._good):
            parts = [
                self._teach(take(columns, slice(start, start + _BATCH_ROWS)), labels[start : start + _BATCH_ROWS])
                for start in range(0, len(labels), _BATCH_ROWS)
            ]
        return _joined(parts)

    def answers(self, columns: Columns) -> tuple[Mapping[str, NDArray[Any]], NDArray[np.bool_]]:
        """What the model answers now, and whether it had an answer. It learns nothing."""
        with _lost(self._good):
            return self._ask(columns, _CURRENT)

    def good_answers(self, columns: Columns) -> tuple[Mapping[str, NDArray[Any]], NDArray[np.bool_]]:
        """The same of the last good snapshot."""
        with _lost(self._good):
            return self._ask(columns, _GOOD)

    def save(self) -> str:
        """Write down what was learnt; its SHA-256.

        Raises:
            ModelFailedError: It cannot be saved.
            StudentLostError: The process has died.
        """
        self._saved.root.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".saving-", dir=self._saved.root))
        try:
            with _lost(self._good):
                self._process.save(made / "model", _BATCH_SECONDS, _CURRENT)
            return self._saved.put(made / "model")
        finally:
            shutil.rmtree(made, ignore_errors=True)

    def _teach(self, columns: Columns, labels: Sequence[Scalar]) -> Taught:
        good, good_answered = self._ask(columns, _GOOD)
        lesson = self._process.learn(columns, labels, _BATCH_SECONDS, _CURRENT)
        status = np.array(lesson.status, dtype=np.object_)
        return Taught(
            outputs=lesson.outputs,
            answered=np.asarray(status == LEARNT, dtype=np.bool_),
            learnt=np.asarray((status == LEARNT) | (status == SILENT), dtype=np.bool_),
            errors=[each for each in lesson.status if each not in (LEARNT, SILENT)],
            good=good,
            good_answered=good_answered,
        )

    def _ask(self, columns: Columns, name: str) -> tuple[Mapping[str, NDArray[Any]], NDArray[np.bool_]]:
        """Answers of a model that does not learn; where a batch fails, row by row."""
        rows = rows_of(columns)
        try:
            return self._process.ask(columns, _BATCH_SECONDS, name), np.ones(rows, dtype=np.bool_)
        except ModelFailedError:
            found = [self._ask_one(take(columns, slice(at, at + 1)), name) for at in range(rows)]
        known = next((each for each in found if each is not None), None)
        answered = np.array([each is not None for each in found], dtype=np.bool_)
        if known is None:
            return {}, answered
        filled = [each if each is not None else known for each in found]
        return {name: np.concatenate([each[name] for each in filled]) for name in known}, answered

    def _ask_one(self, row: Columns, name: str) -> dict[str, NDArray[Any]] | None:
        try:
            return self._process.ask(row, _BATCH_SECONDS, name)
        except ModelFailedError:
            return None


class _lost:
    """Name what a broken exchange means."""

    def __init__(self, version: ModelVersion) -> None:
        self._ref = version.ref

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, wire.ClosedError | TimeoutError):
            how = "died" if isinstance(error, wire.ClosedError) else "did not answer"
            raise StudentLostError(f"the process that learns from {self._ref} {how}") from error


def _joined(parts: Sequence[Taught]) -> Taught:
    if len(parts) == 1:
        return parts[0]
    return Taught(
        outputs=_columns([part.outputs for part in parts], [len(part.answered) for part in parts]),
        answered=np.concatenate([part.answered for part in parts]),
        learnt=np.concatenate([part.learnt for part in parts]),
        errors=[error for part in parts for error in part.errors],
        good=_columns([part.good for part in parts], [len(part.answered) for part in parts]),
        good_answered=np.concatenate([part.good_answered for part in parts]),
    )


def _columns(parts: Sequence[Mapping[str, NDArray[Any]]], rows: Sequence[int]) -> Mapping[str, NDArray[Any]]:
    """Answers of several batches. Where one has none at all, what stands there means nothing."""
    known = next((part for part in parts if part), None)
    if known is None:
        return {}
    return {
        name: np.concatenate(
            [
                part[name] if part else np.repeat(known[name][:1], count, axis=0)
                for part, count in zip(parts, rows, strict=True)
            ]
        )
        for name in known
    }
