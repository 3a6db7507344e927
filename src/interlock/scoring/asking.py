"""Asks a version for many logged rows: a bad row does not spoil its neighbours, a hung model does not hang us.

Called by paired scoring and by replays. A failing batch is halved until the failing rows stand alone. What runs in a
process of its own has a deadline for each batch. After a few missed ones a row alone says whether the version hangs,
and the rest are `untried` in this call: they say nothing of it, because a machine that stood still does the same.
"""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain import ragged
from interlock.domain.errors import ModelFailedError
from interlock.domain.model import ModelVersion
from interlock.domain.ports import Columns, Predictor, Runtime, rows_of, take
from interlock.runtimes.load import load_runtime
from interlock.runtimes.predictors import load_predictor

BATCH_ROWS = 2000

# What a batch may take beside the endpoint's deadline: slow forests need some milliseconds a row.
_SECONDS_PER_ROW = 0.01

UNTRIED = "untried"

# Each missed deadline costs its time; after so many no more batches are tried.
_MOST_TIMEOUTS = 2

# How long rows wait, in one call, for a runner process that is being restarted.
_PATIENCE_SECONDS = 10.0
_PAUSE_SECONDS = 0.05


@dataclass
class Answers:
    """One status a row, and the outputs of the rows that are `ok`, in order. `reasons` counts what went wrong."""

    status: NDArray[np.object_]
    outputs: dict[str, list[Any]]
    reasons: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class AnswerColumns:
    """The same as arrays: outputs of the rows that are `ok`, in order, and by row what went wrong with the others."""

    status: NDArray[np.object_]
    outputs: dict[str, NDArray[Any]]
    errors: dict[int, str]


class AskedVersion:
    """A version loaded for scoring: in this process if its format is data, else in a runner process.

    Args:
        version: Which.
        artifacts: Folder of artifacts.
        deadline_seconds: The endpoint's.

    Raises:
        UnloadableModelError: It cannot be loaded.
    """

    def __init__(self, version: ModelVersion, artifacts: Path, deadline_seconds: float) -> None:
        self.version, self._deadline_seconds = version, deadline_seconds
        self._predictor: Predictor | None = None
        self._runtime: Runtime | None = None
        if version.placement in ("isolated", "remote"):
            self._runtime = load_runtime(version, artifacts)
            self._loop = asyncio.Runner()
        else:
            self._predictor = load_predictor(version, artifacts)

    def ask(self, columns: Columns) -> Answers:
        """Answer rows, each with its own status."""
        return self._asked(columns).answers()

    def ask_columns(self, columns: Columns) -> AnswerColumns:
        """Answer rows as `ask` does, without making Python objects of every value."""
        return self._asked(columns).columns()

    def _asked(self, columns: Columns) -> "_Call":
        call = _Call(self, rows_of(columns))
        for start in range(0, rows_of(columns), BATCH_ROWS):
            call.ask(columns, start, min(start + BATCH_ROWS, rows_of(columns)))
        return call

    def predict(self, columns: Columns) -> dict[str, NDArray[Any]]:
        """One attempt for all rows.

        Raises:
            ModelFailedError: It failed, or passed the deadline.
        """
        if self._runtime is None:
            assert self._predictor is not None
            return ragged.predict(self._predictor.predict, columns)
        return ragged.predict(self._in_process, columns)

    def _in_process(self, columns: Columns) -> dict[str, NDArray[Any]]:
        assert self._runtime is not None
        deadline = self._deadline_seconds + _SECONDS_PER_ROW * rows_of(columns)
        return self._loop.run(self._runtime.predict(columns, deadline))

    def close(self) -> None:
        """Free the model, and end its process."""
        if self._predictor is not None:
            self._predictor.close()
        if self._runtime is not None:
            self._loop.run(self._runtime.close())
            self._loop.close()


class _Call:
    """One call's rows and what is left of its patience."""

    def __init__(self, asked: AskedVersion, rows: int) -> None:
        self._asked = asked
        self._status = np.full(rows, "model_error", dtype=np.object_)
        self._found: dict[int, dict[str, NDArray[Any]]] = {}
        self._reasons: Counter[str] = Counter()
        self._errors: dict[int, str] = {}
        self._timeouts = 0
        self._patience_ends = time.monotonic() + _PATIENCE_SECONDS

    def ask(self, columns: Columns, start: int, stop: int) -> None:
        try:
            outputs = self._attempt(take(columns, slice(start, stop)))
        except ModelFailedError as error:
            if stop - start == 1 or error.status in ("breaker_open", UNTRIED):
                self._mark(start, stop, error)
                return
            if self._has_given_up():
                self._try_one(columns, start)
                self._mark(start + 1, stop, self._untried())
                return
            middle = (start + stop) // 2
            self.ask(columns, start, middle)
            self.ask(columns, middle, stop)
        else:
            self._status[start:stop] = "ok"
            self._found[start] = outputs

    def _try_one(self, columns: Columns, at: int) -> None:
        try:
            self._found[at] = self._patiently(take(columns, slice(at, at + 1)))
            self._status[at] = "ok"
        except ModelFailedError as error:
            self._mark(at, at + 1, error)

    def _mark(self, start: int, stop: int, error: ModelFailedError) -> None:
        self._status[start:stop] = error.status
        self._reasons[f"{error.status}: {error.reason}"] += stop - start
        self._errors |= dict.fromkeys(range(start, stop), error.reason)

    def _untried(self) -> ModelFailedError:
        return ModelFailedError(self._asked.version.ref, UNTRIED, "batches before it missed their deadlines")

    def _has_given_up(self) -> bool:
        return self._timeouts > _MOST_TIMEOUTS

    def _attempt(self, columns: Columns) -> dict[str, NDArray[Any]]:
        if self._has_given_up():
            raise self._untried()
        return self._patiently(columns)

    def _patiently(self, columns: Columns) -> dict[str, NDArray[Any]]:
        while True:
            try:
                return self._asked.predict(columns)
            except ModelFailedError as error:
                if error.status == "timeout":
                    self._timeouts += 1
                if error.status != "breaker_open" or time.monotonic() > self._patience_ends:
                    raise
                # Its process died or hung a moment ago and is being started again; nothing says when it is there.
                time.sleep(_PAUSE_SECONDS)

    def answers(self) -> Answers:
        outputs: dict[str, list[Any]] = {}
        for start in sorted(self._found):
            for name, values in self._found[start].items():
                outputs.setdefault(name, []).extend(values.tolist())
        return Answers(self._status, outputs, self._reasons)

    def columns(self) -> AnswerColumns:
        parts = [self._found[start] for start in sorted(self._found)]
        outputs = {name: _joined([part[name] for part in parts]) for name in (parts[0] if parts else ())}
        return AnswerColumns(self._status, outputs, self._errors)


def _joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    """One column of the columns of several batches, whose rows may differ in shape."""
    if len({part.shape[1:] for part in parts}) == 1:
        return np.concatenate(parts)
    return ragged.column([row for part in parts for row in part], parts[0].dtype)
