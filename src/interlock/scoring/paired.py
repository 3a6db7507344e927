"""Paired scoring: every row of a release is also scored by the version that did not answer it (not of A/B tests).

After a promotion, of whatever strategy, the champion before goes on scoring what its successor answers, while the plan
has that watched.

Run by the scorer process. So both versions are compared on the same rows, whatever the traffic share, and no caller
waits for it. It reads the log as a shadow does, and appends to the scores exactly once: the commit it has read up to is
the application transaction of what it appends, so it can die at any instant. Without a release it does nothing but look
for one.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from interlock.domain.errors import ConflictError, UnloadableModelError
from interlock.domain.model import ModelVersion
from interlock.domain.privacy import effective
from interlock.domain.release import Release
from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.image_log import ImageLog
from interlock.predictions.reader import LogReader
from interlock.scoring.asking import UNTRIED, Answers, AskedVersion
from interlock.scoring.feeding import UnfeedableError, complete, feed
from interlock.scoring.score_rows import Scored, table
from interlock.store.database import Store
from interlock.store.transaction import Transaction

_log = logging.getLogger(__name__)


# Commits older than the release by more than clocks differ hold none of its rows.
_CLOCK_SKEW = timedelta(hours=1)


@dataclass(frozen=True)
class _Plan:
    """What is needed of the store for one release. `unlogged`: outputs that privacy rules keep out of the log, and so
    out of the scores.
    """

    release: Release
    deadline_seconds: float
    champion: ModelVersion
    candidate: ModelVersion
    unlogged: frozenset[str] = frozenset()


class PairedScorer:
    """Scores the rows of every running release.

    Args:
        store: Releases and versions.
        reader: The log.
        delta_log: Where scores go.
        artifacts: Folder of artifacts.
        clock: The time now, aware UTC.
    """

    def __init__(
        self, store: Store, reader: LogReader, delta_log: DeltaLog, artifacts: Path, clock: Callable[[], datetime]
    ) -> None:
        self._store, self._reader, self._delta_log = store, reader, delta_log
        self._artifacts, self._clock = artifacts, clock
        self._read_upto: dict[str, int] = {}
        self._asked: dict[str, AskedVersion | str] = {}
        self._images = ImageLog(delta_log.root)
        self._told: dict[str, str] = {}

    def step(self) -> int:
        """Score what was committed since the last step.

        Returns:
            Rows appended to the scores.
        """
        plans = self._plans()
        self._forget(plans)
        return sum(self._score(plan) for plan in plans)

    def close(self) -> None:
        """Free the models."""
        self._forget([])

    def _plans(self) -> list[_Plan]:
        with self._store.read() as tx:
            # Where arms are compared, each unit is compared by the answer that it got.
            active = [release for release in tx.releases.active() if release.has_begun and not release.compares_arms]
            return [_plan(tx, release) for release in (*active, *tx.releases.watched())]

    def _score(self, plan: _Plan) -> int:
        release = plan.release
        upto, rows = self._reader.new_rows(release.endpoint, self._cursor(release))
        mine = rows.filter(pc.fill_null(pc.equal(rows["release_id"], release.id), False))
        mine = mine.filter(pc.not_equal(mine["role"], "pinned"))
        if release.watch is not None:
            # What was answered before the promotion has been decided on.
            mine = mine.filter(pc.equal(mine["step"], release.watch.step))
        if mine.num_rows:
            scored = list(self._scores(plan, mine))
            if scored and not self._append(release, scored, upto):
                self._read_upto.pop(release.id, None)
                return 0
        else:
            scored = []
        self._read_upto[release.id] = upto
        return sum(len(each.prediction_ids) for each in scored)

    def _append(self, release: Release, scored: list[Scored], upto: int) -> bool:
        """Write scores of all rows up to a commit, if nobody else did."""
        present = self._delta_log.schema("scores", release.endpoint)
        new = table(scored, release.id, self._clock(), present)
        try:
            # Transactions count from 1, as 0 says that there is none; commits count from 0.
            self._delta_log.append("scores", release.endpoint, new, {_writer(release): upto + 1})
        except ConflictError as error:
            _log.warning("scores of release %s are tried again: %s", release.id, error)
            return False
        return True

    def _cursor(self, release: Release) -> int | None:
        """The last commit read; None to read from the beginning."""
        if release.id not in self._read_upto:
            stored = self._delta_log.transaction_version("scores", release.endpoint, _writer(release)) - 1
            self._read_upto[release.id] = stored if stored >= 0 else self._before(release)
        read_upto = self._read_upto[release.id]
        return read_upto if read_upto >= 0 else None

    def _before(self, release: Release) -> int:
        """The last commit surely before the release; -1 if there is none."""
        predictions = self._delta_log.table("predictions", release.endpoint)
        if predictions is None:
            return -1
        begun = (release.created_at - _CLOCK_SKEW).timestamp() * 1000
        older = [int(commit["version"]) for commit in predictions.history() if commit["timestamp"] < begun]
        return max(older, default=-1)

    def _scores(self, plan: _Plan, rows: pa.Table) -> Iterator[Scored]:
        by_challenger = pc.equal(rows["role"], "challenger")
        if plan.release.is_watched:
            # The candidate is champion now.
            by_challenger = pc.is_valid(rows["role"])
        # The champion answered for a failing challenger: how the challenger did is known, and stands.
        fell_back = pc.and_(pc.invert(by_challenger), pc.not_equal(rows["assigned_version"], rows["version"]))
        by_champion = pc.and_(pc.invert(by_challenger), pc.invert(fell_back))
        for version, which in ((plan.champion, by_challenger), (plan.candidate, by_champion)):
            some = self._complete(version, rows.filter(which))
            if some.num_rows:
                answers = self._ask(version, some, plan)
                tried = answers.status != UNTRIED
                ids = some["prediction_id"].filter(pa.array(tried)).to_pylist()
                outputs = {name: values for name, values in answers.outputs.items() if name not in plan.unlogged}
                yield Scored(version.ref, version.contract, ids, answers.status[tried], outputs)
        failed = rows.filter(fell_back)
        if failed.num_rows:
            status = np.array(failed["attempt_status"].to_pylist(), dtype=np.object_)
            ids = failed["prediction_id"].to_pylist()
            yield Scored(plan.candidate.ref, plan.candidate.contract, ids, status, {})

    def _complete(self, version: ModelVersion, rows: pa.Table) -> pa.Table:
        """The rows of which the log has all that a version needs. The others say nothing of it: they get no score."""
        logged = complete(version.contract, rows)
        if logged.reason and self._told.get(version.ref) != logged.reason:
            _log.warning("version %s cannot score every row: %s", version.ref, logged.reason)
            self._told[version.ref] = logged.reason
        return rows.filter(pa.array(logged.rows)) if logged.reason else rows

    def _ask(self, version: ModelVersion, rows: pa.Table, plan: _Plan) -> Answers:
        asked = self._load(version, plan.deadline_seconds)
        answers = Answers(np.full(rows.num_rows, "model_error", dtype=np.object_), {})
        if isinstance(asked, str):
            answers.reasons[asked] = rows.num_rows
        else:
            try:
                fed = feed(version.contract, rows, partial(self._images.read, plan.release.endpoint))
            except UnfeedableError as error:
                answers.reasons[str(error)] = rows.num_rows
            else:
                found = asked.ask(fed.columns)
                answers.status[fed.index] = found.status
                answers.outputs, answers.reasons = found.outputs, found.reasons
                if fed.reason:
                    answers.reasons[fed.reason] += rows.num_rows - len(fed.index)
        for reason, count in answers.reasons.most_common(3):
            _log.warning("version %s could not score %d of %d row(s): %s", version.ref, count, rows.num_rows, reason)
        return answers

    def _load(self, version: ModelVersion, deadline_seconds: float) -> AskedVersion | str:
        """The loaded version, or why there is none."""
        if version.ref not in self._asked:
            try:
                self._asked[version.ref] = AskedVersion(version, self._artifacts, deadline_seconds)
            except UnloadableModelError as error:
                _log.warning("version %s cannot be loaded for scoring: %s", version.ref, error)
                self._asked[version.ref] = str(error)
        return self._asked[version.ref]

    def _forget(self, plans: list[_Plan]) -> None:
        """Free what no running release needs."""
        needed = {version.ref for plan in plans for version in (plan.champion, plan.candidate)}
        for ref in self._asked.keys() - needed:
            asked = self._asked.pop(ref)
            if isinstance(asked, AskedVersion):
                asked.close()
        running = {plan.release.id for plan in plans}
        self._read_upto = {id: upto for id, upto in self._read_upto.items() if id in running}


def _plan(tx: Transaction, release: Release) -> _Plan:
    endpoint = tx.endpoints.get(release.endpoint)
    champion, candidate = tx.models.get(release.champion), tx.models.get(release.promoted)
    rules = effective([champion.contract, candidate.contract], endpoint.privacy)
    unlogged = frozenset(name.removeprefix("output.") for name in rules if name.startswith("output."))
    return _Plan(release, endpoint.deadline_ms / 1000, champion, candidate, unlogged)


def _writer(release: Release) -> str:
    return f"scorer:{release.id}"
