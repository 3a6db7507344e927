"""Upkeep keeps every table of the log quick to read and no larger than it has to be.

Run by `upkeep_job` in a process of its own, which the collector starts when there is something to do. Each table in
turn: rows past the endpoint's retention are dropped, small files compacted, files, commits and images that nobody
needs are deleted. Every step is one commit, or deletes what no version needs, so it may die at any instant and stand
beside any appends; whoever comes too late leaves the table to the next pass. It never touches what a pin needs.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import msgspec
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from interlock.domain.errors import OverloadedError
from interlock.predictions import cleaning, compaction, image_names, log_lock, pins, retention
from interlock.predictions.delta_log import KINDS, DeltaLog, Kind
from interlock.predictions.image_log import ImageLog
from interlock.store.database import Store
from interlock.store.rejections import SAMPLES_KEPT

_log = logging.getLogger(__name__)


class UpkeepResult(msgspec.Struct, frozen=True, kw_only=True):
    """What was done to one table: rows that retention dropped, files that were compacted, what was deleted."""

    dropped_rows: int = 0
    compacted_files: int = 0
    deleted_files: int = 0
    deleted_commits: int = 0
    deleted_images: int = 0


class Upkeep:
    """Keeps the tables of one log in order.

    Args:
        log: The log.
        store: What endpoints keep, and which versions are pinned.
        clock: Aware UTC.
        keep_hours: How long files stay that are replaced.
        keep_commits: How many commits of a table stay.
    """

    def __init__(
        self,
        log: DeltaLog,
        store: Store,
        clock: Callable[[], datetime],
        *,
        keep_hours: int = cleaning.WEEK_HOURS,
        keep_commits: int = cleaning.KEPT_COMMITS,
    ) -> None:
        self._log, self._store, self._clock = log, store, clock
        self._keep_hours, self._keep_commits = keep_hours, keep_commits

    def step(self) -> dict[tuple[Kind, str], UpkeepResult]:
        """Make one pass over all tables; a table that is in use or broken does not keep it from the others.

        Returns:
            What was done, by kind and endpoint; nothing if another process is at it.
        """
        done = {}
        with self._store.transaction() as tx:
            tx.rejections.drop_bodies(before=self._clock() - SAMPLES_KEPT)
        for kind in KINDS:
            for endpoint in self._log.endpoints(kind):
                try:
                    with log_lock.exclusive(self._log.root, wait_seconds=0.0):
                        result = self._keep(kind, endpoint)
                except (OverloadedError, CommitFailedError) as error:
                    _log.info("the %s of %s are left to the next pass: %s", kind, endpoint, error)
                except Exception:
                    _log.exception("upkeep of the %s of %s failed; it is tried again", kind, endpoint)
                else:
                    done[kind, endpoint] = result
        return {key: result for key, result in done.items() if result != UpkeepResult()}

    def _keep(self, kind: Kind, endpoint: str) -> UpkeepResult:
        now, days = self._clock(), self._retention_days(endpoint)
        pinned = pins.versions(self._store, self._log, kind, endpoint)
        dropped = retention.drop(self._table(kind, endpoint), kind, now, days) if days else 0
        compacted = 0
        for job in compaction.due(self._table(kind, endpoint), now):
            # Somebody else's deletion; the other partitions are not concerned.
            with suppress(CommitFailedError):
                compacted += compaction.compact(self._table(kind, endpoint), job)
        return UpkeepResult(
            dropped_rows=dropped,
            compacted_files=compacted,
            deleted_files=cleaning.vacuum(self._table(kind, endpoint), pinned, keep_hours=self._keep_hours),
            deleted_commits=cleaning.drop_commits(self._table(kind, endpoint), pinned, keep=self._keep_commits),
            deleted_images=self._sweep(endpoint) if kind == "predictions" else 0,
        )

    def _sweep(self, endpoint: str) -> int:
        """Delete images that no row names, of the log or of a pin."""
        images = ImageLog(self._log.root)
        if not images.folder(endpoint).exists():
            return 0
        with self._store.read() as tx:
            pinned = [DeltaLog(pins.root(self._log.root, pin)) for pin in tx.pins.list(endpoint)]
        return images.sweep(endpoint, image_names.named([self._log, *pinned], endpoint), time.time())

    def _table(self, kind: Kind, endpoint: str) -> DeltaTable:
        """Read anew each time: operations leave the object at the version they wrote."""
        return DeltaTable(self._log.path(kind, endpoint))

    def _retention_days(self, endpoint: str) -> int:
        with self._store.read() as tx:
            return tx.endpoints.retention_days(endpoint)
