"""Sends rows of the past through a candidate and sums up what that shows: a replay, from its first row to its report.

Run in the process of `replay_job`. Memory holds a batch and sums, however long the range. Rows that the log has not
whole, or that the candidate's contract would refuse, are counted and not asked for; nothing is made up for them.
"""

import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from interlock.domain.errors import ModelFailedError
from interlock.domain.ports import take
from interlock.domain.replay import ReplayReport
from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.image_log import ImageLog
from interlock.scoring.asking import UNTRIED, AnswerColumns, AskedVersion
from interlock.scoring.champion_answers import ChampionAnswers
from interlock.scoring.compared import Compared
from interlock.scoring.feeding import UnfeedableError, complete, feed
from interlock.scoring.past_rows import Extent, PastRows
from interlock.scoring.refusals import refusals
from interlock.scoring.replay_plan import ReplayPlan
from interlock.scoring.replay_scores import ReplayScores
from interlock.scoring.row_reasons import RowReasons

# So many batches in a row without any answer, for lack of time: it hangs, and a million rows would take weeks.
_MOST_SILENT_BATCHES = 2

Hear = Callable[[int, int], None]
"""Told of rows done and of all rows, after each batch; what it raises ends the replay."""


class Replaying:
    """One replay under way.

    Args:
        plan: What to do.
        log: Root of the log.
        artifacts: Folder of artifacts.
        scratch: A folder of its own for what does not fit into memory.
        clock: The time now, aware UTC.

    Raises:
        UnloadableModelError: The candidate cannot be loaded.
    """

    def __init__(
        self, plan: ReplayPlan, log: Path, artifacts: Path, scratch: Path, clock: Callable[[], datetime]
    ) -> None:
        replay = plan.replay
        self._plan, self._scratch = plan, scratch
        load = partial(AskedVersion, artifacts=artifacts, deadline_seconds=plan.deadline_seconds)
        self._read_image = partial(ImageLog(log).read, replay.endpoint)
        self._candidate = load(plan.candidate)
        self._champion = ChampionAnswers(plan.champion, partial(load, plan.champion), self._read_image)
        self._past = PastRows(
            log, replay.endpoint, since=replay.since, until=replay.until, fields=plan.fields, scratch=scratch
        )
        self._scores = ReplayScores(
            DeltaLog(log), replay.endpoint, replay.id, plan.candidate, unlogged=plan.unlogged, clock=clock
        )
        self._failed, self._refused, self._withheld = RowReasons(), RowReasons(), RowReasons()
        self._rows = self._scored = self._silent = 0

    def close(self) -> None:
        """Free the models and the connection."""
        self._candidate.close()
        self._champion.close()
        self._past.close()

    def run(self, hear: Hear) -> ReplayReport:
        """Do it.

        Raises:
            ModelFailedError: The candidate hangs.
            ConflictError: The scores could not be written.
        """
        began, limit = time.monotonic(), self._plan.replay.limit
        extent = self._past.extent()
        total = extent.rows if limit is None else min(limit, extent.rows)
        compared = Compared(self._plan, extent, self._scratch)
        hear(0, total)
        for batch in self._past.batches(extent, limit):
            self._step(batch, compared)
            self._rows += batch.num_rows
            hear(self._rows, total)
        self._scores.flush()
        return self._report(compared, extent, time.monotonic() - began)

    def _step(self, batch: pa.Table, compared: Compared) -> None:
        rows, columns = self._feedable(batch)
        if not rows.num_rows:
            return
        answers = self._candidate.ask_columns(columns)
        self._check_alive(answers)
        self._scores.add(rows["prediction_id"], answers.status, answers.outputs)
        answered = answers.status == "ok"
        self._note_failures(rows, answers)
        self._scored += int(answered.sum())
        if answered.any() and not self._plan.not_compared:
            # Bins are learnt from the first rows where there are none.
            compared.begin(columns)
            compared.add(rows.filter(pa.array(answered)), self._champion, answers.outputs)

    def _feedable(self, batch: pa.Table) -> tuple[pa.Table, dict[str, NDArray[Any]]]:
        """The rows that the candidate may be asked for, and their columns; the others are counted."""
        contract = self._plan.candidate.contract
        logged = complete(contract, batch)
        if not logged.rows.all():
            self._withheld.add_all(_ids(batch, ~logged.rows), "withheld", logged.reason)
            batch = batch.filter(pa.array(logged.rows))
        if not batch.num_rows:
            return batch, {}
        try:
            fed = feed(contract, batch, self._read_image)
        except UnfeedableError as error:
            self._refused.add_all(batch["prediction_id"].to_pylist(), "refused", str(error))
            return batch.slice(0, 0), {}
        if len(fed.index) < batch.num_rows:
            lacking = np.ones(batch.num_rows, dtype=np.bool_)
            lacking[fed.index] = False
            self._refused.add_all(_ids(batch, lacking), "refused", fed.reason)
            batch = batch.take(pa.array(fed.index))
        return self._accepted(batch, fed.columns)

    def _accepted(self, batch: pa.Table, columns: dict[str, NDArray[Any]]) -> tuple[pa.Table, dict[str, NDArray[Any]]]:
        broken = refusals(self._plan.candidate.contract, columns)
        if not broken:
            return batch, columns
        ids = batch["prediction_id"]
        for at, refusal in sorted(broken.items()):
            self._refused.add(ids[at].as_py(), "refused", refusal.said, refusal.rule)
        kept = np.ones(batch.num_rows, dtype=np.bool_)
        kept[list(broken)] = False
        return batch.filter(pa.array(kept)), take(columns, np.flatnonzero(kept))

    def _note_failures(self, rows: pa.Table, answers: AnswerColumns) -> None:
        ids = rows["prediction_id"]
        for at, error in answers.errors.items():
            status = str(answers.status[at])
            self._failed.add(ids[at].as_py(), status, error, f"{status}: {error}")

    def _check_alive(self, answers: AnswerColumns) -> None:
        is_silent = not (answers.status == "ok").any() and np.isin(answers.status, ("timeout", UNTRIED)).any()
        self._silent = self._silent + 1 if is_silent else 0
        if self._silent >= _MOST_SILENT_BATCHES:
            raise ModelFailedError(self._plan.candidate.ref, "timeout", "it hangs on every row")

    def _report(self, compared: Compared, extent: Extent, seconds: float) -> ReplayReport:
        report = compared.report(self._past)
        return msgspec.structs.replace(
            report,
            rows=self._rows,
            scored=self._scored,
            failed=self._failed.result(),
            refused=self._refused.result(),
            withheld=self._withheld.result(),
            asked_champion=self._champion.asked,
            notes=(*self._notes(extent), *report.notes),
            seconds=round(seconds, 3),
        )

    def _notes(self, extent: Extent) -> list[str]:
        notes = []
        if not extent.rows:
            notes.append("the log holds no rows of this time")
        if self._rows < extent.rows:
            notes.append(f"a sample of {self._rows:,} of {extent.rows:,} rows, even over the time")
        if self._champion.asked:
            notes.append(f"the champion was asked for {self._champion.asked:,} rows that another version had answered")
        if self._champion.fault:
            notes.append(f"rows that another version had answered are not compared: {self._champion.fault}")
        return notes


def _ids(rows: pa.Table, which: NDArray[np.bool_]) -> list[str]:
    return list(rows["prediction_id"].filter(pa.array(which)).to_pylist())
