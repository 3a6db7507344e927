"""Takes records from the spools to the profiles, the gates' counts and the log, each exactly once.

One process per machine. A segment is counted and profiled in the SQL transaction that moves its spool's cursor; then
its rows wait for a commit to their tables, which carries the spool's identity and the segment's number; then it is
deleted. It may die at any instant: what the cursor and the tables have is skipped, the rest is done. Nothing here stops
for one bad record; nothing is counted that could not be logged, since both go by the same rows.

    sealed ──counted (a)──► counted ──logged in every table (b)──► deleted (c)
       └─damaged or misfit: copied to quarantine, counted as such in (a)
"""

import gc
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Event

import pyarrow as pa

from interlock.domain.errors import ConflictError
from interlock.predictions import (
    log_lock,
    profiling,
    rejection_counting,
    segments,
    service_counting,
    spool_state,
    telemetry_counting,
)
from interlock.predictions.contents import Contents
from interlock.predictions.delta_log import DeltaLog, Kind
from interlock.predictions.flush import FlushRequests
from interlock.predictions.gate_counting import GateCounting
from interlock.predictions.hashing import Hasher
from interlock.predictions.image_log import ImageLog
from interlock.predictions.intake import Intake, TableKey
from interlock.predictions.profiling import HourProfile
from interlock.predictions.version_facts import KnownVersions
from interlock.predictions.waiting_rows import WaitingRows
from interlock.stats.profile_bins import ProfileSpec
from interlock.store.database import Store

_log = logging.getLogger(__name__)

# Profiles and gate counts are about this and a segment's age behind.
_PASS_SECONDS = 0.25
# After a pass that failed (a full disk, a store that is away), the next comes later.
_RETRY_SECONDS = 2.0
# One SQL transaction takes at most about this many rows: others want to write too, and all are in memory at once.
_BATCH_ROWS = 20_000
_BATCH_BYTES = 64 * 1024 * 1024  # of segments: their images are in memory too
# With this many rows waiting for a log that refuses them, no more are read.
_MOST_WAITING_ROWS = 500_000


Merge = Callable[[bytes | None], bytes]
"""From a stored profile, or None, to the one that takes its place."""


class Collector:
    """Moves records on.

    Args:
        spools: Holds one folder for each gateway slot.
        log: Root of the prediction log.
        store: Where counts, profiles and cursors are.
        clock: Aware UTC.
        report: Called after batches and passes; it must not fail, and decides itself whether it is time.
        hasher: What gateways hash columns with that must not be read in the log.
    """

    def __init__(
        self,
        spools: Path,
        log: Path,
        store: Store,
        clock: Callable[[], datetime],
        report: Callable[[], None] = lambda: None,
        hasher: Hasher | None = None,
    ) -> None:
        self._spools, self._store, self._clock = spools, store, clock
        self._report, self._log, self._images = report, DeltaLog(log), ImageLog(log)
        self._versions, self._hasher = KnownVersions(store), hasher
        self._flushes = FlushRequests(spools)
        self._intakes: dict[str, Intake] = {}
        self._waiting: dict[TableKey, WaitingRows] = {}

    def run(self, stop: Event) -> None:
        """Make passes until `stop` is set, then a last one that commits everything."""
        pause = 0.0
        while not stop.wait(pause):
            pause = _PASS_SECONDS if self._try_step(commit_all=False) else _RETRY_SECONDS
            self._report()
        self._try_step(commit_all=True)

    def step(self, *, commit_all: bool = False) -> None:
        """Make one pass: count all sealed segments, commit what is due, delete what is done.

        Args:
            commit_all: Commit everything that is counted, due or not.
        """
        self._find_spools()
        flushes = self._flushes.look(self._intakes.values())
        with _without_cycle_search():
            while self._count_some():
                self._commit(every=False)
                self._report()
        self._commit(every=commit_all or flushes)
        with log_lock.may_delete_segments(self._log.root) as may_delete:
            for intake in self._intakes.values():
                if may_delete and intake.delete_done():
                    self._prune(intake)
        self._flushes.answer(self._intakes.values())

    def _try_step(self, *, commit_all: bool) -> bool:
        try:
            self.step(commit_all=commit_all)
        except Exception:
            # Whatever it was, the records are safe in the spools, and the pass can be made again from there.
            _log.exception("collecting failed; what is in the spools stays there and is tried again")
            self._forget()
            return False
        return True

    def _find_spools(self) -> None:
        """Also bring folders in order that nobody holds: their worker died and has not come back yet."""
        for folder in sorted(path for path in self._spools.glob("*/") if not path.name.startswith(".")):
            with spool_state.try_lock(folder) as free:
                if free and any(not file.sealed for file in segments.listing(folder)):
                    spool_state.recover(folder)
            state = spool_state.load(folder)
            if state is not None and state.id not in self._intakes:
                self._intakes[state.id] = Intake(folder, state.id)

    def _count_some(self) -> bool:
        """Count a batch of segments; whether there may be more."""
        if sum(waiting.rows for waiting in self._waiting.values()) > _MOST_WAITING_ROWS:
            return False
        batch = self._take_batch()
        with self._store.read() as tx:
            last = {spool: tx.spools.last(spool) for spool in {intake.spool for intake, _ in batch}}
        new = [(intake, contents) for intake, contents in batch if contents.segment.sequence > last[intake.spool]]
        if new:
            self._count(new)
        for intake, contents in batch:
            self._let_wait(intake, contents)
        return bool(batch)

    def _take_batch(self) -> list[tuple[Intake, Contents]]:
        batch: list[tuple[Intake, Contents]] = []
        rows = size = 0
        for intake in self._intakes.values():
            for contents in intake.take(self._versions.types, self._images):
                batch.append((intake, contents))
                rows += contents.rows
                size += contents.segment.end
                if rows >= _BATCH_ROWS or size >= _BATCH_BYTES:
                    return batch
        return batch

    def _count(self, batch: list[tuple[Intake, Contents]]) -> None:
        """(a) Profiles, gates, service, refusals, cursors in one transaction; all that takes time comes before it."""
        for intake, contents in batch:
            # The cursor must never be ahead of what a power failure leaves of the segment.
            segments.sync(contents.segment.path)
            intake.set_aside(contents)
        requests = [request for _, contents in batch for request in contents.requests]
        gates, service = GateCounting(requests), service_counting.count(requests)
        profiles = self._profile(contents for _, contents in batch)
        rejected = rejection_counting.count((intake.spool, contents.rejected) for intake, contents in batch)
        readings = telemetry_counting.count(record for _, contents in batch for record in contents.telemetry)
        with self._store.transaction() as tx:
            gates.add_to(tx)
            readings.add_to(tx)
            rejected.add_to(tx)
            tx.service_hours.add_all(service)
            for endpoint, merges in profiles.items():
                tx.profiles.merge_all(endpoint, merges)
            for intake, contents in batch:
                tx.spools.advance(intake.spool, contents.segment.sequence, contents.counted)

    def _profile(self, batch: Iterable[Contents]) -> dict[str, dict[tuple[str, datetime], Merge]]:
        """What each endpoint's profiles become, by version and hour."""
        rows: dict[tuple[str, str], list[pa.Table]] = {}
        for contents in batch:
            for answered, table in contents.predictions.items():
                rows.setdefault(answered, []).append(table)
        merges: dict[str, dict[tuple[str, datetime], Merge]] = {}
        for (endpoint, version), tables in rows.items():
            spec = self._versions.get(version).spec
            if spec is not None:
                merged = pa.concat_tables(tables, promote_options="permissive")
                for found in self._profiles_of(endpoint, version, merged, spec):
                    merges.setdefault(endpoint, {})[version, found.hour] = found.merged_with
        return merges

    def _profiles_of(self, endpoint: str, version: str, rows: pa.Table, spec: ProfileSpec) -> list[HourProfile]:
        """Profiles by hour: none of rows that cannot be profiled, since one endpoint's must not stop all others."""
        try:
            return list(profiling.by_hour(endpoint, version, rows, spec, self._hasher))
        except (pa.ArrowException, ValueError, TypeError, LookupError, ArithmeticError):
            _log.exception("%d rows of %s %s are logged, and missing in its profiles", rows.num_rows, endpoint, version)
            return []

    def _let_wait(self, intake: Intake, contents: Contents) -> None:
        """Queue the rows of a counted segment for every table that has not got them."""
        rows: list[tuple[Kind, str, pa.Table]] = [
            *(("predictions", endpoint, table) for (endpoint, _), table in contents.predictions.items()),
            *((kind, endpoint, table) for (kind, endpoint), table in contents.feedback.items()),
        ]
        sequence = contents.segment.sequence
        tables: set[TableKey] = set()
        for kind, endpoint, table in rows:
            if self._log.transaction_version(kind, endpoint, intake.spool) < sequence:
                waiting = self._waiting.setdefault((kind, endpoint), WaitingRows(kind, endpoint))
                waiting.add((intake.spool, sequence), table, self._clock())
                tables.add((kind, endpoint))
        intake.keep_for_logging(contents, tables)

    def _commit(self, *, every: bool) -> None:
        """(b) Append to the tables that are due, or to every one with rows waiting."""
        now = self._clock()
        for key, waiting in self._waiting.items():
            if waiting.rows and (every or waiting.is_due(now)):
                try:
                    done = waiting.commit(self._log)
                except ConflictError:
                    _log.warning("the %s of %s were written by somebody else; looking again", *key)
                    self._forget()
                    return
                for spool, sequence in done:
                    self._intakes[spool].logged(sequence, key)

    def _prune(self, intake: Intake) -> None:
        """Forget the store's row counts of segments that every table has passed."""
        upto = {
            endpoint: self._log.transaction_version("predictions", endpoint, intake.spool)
            for endpoint in self._log.endpoints("predictions")
        }
        with self._store.transaction() as tx:
            for endpoint, sequence in upto.items():
                tx.spools.prune(intake.spool, endpoint, sequence)

    def _forget(self) -> None:
        """Go back to what files, cursors and tables say."""
        self._intakes.clear()
        self._waiting.clear()


@contextmanager
def _without_cycle_search() -> Iterator[None]:
    """Records are trees, which counting references frees. To search some 100,000 lists for cycles again and again takes
    as long as reading them.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
