"""The process in which a replay runs: `python -m interlock.scoring.replay_job`, its task on stdin.

Started by `replays`. It says in the store how far it is, stops when it is told to there, and leaves its report. It
leaves the processor to whoever serves, and ends with its starter, whose end of the pipe it holds. What it has written
into the scores stays also when it is stopped: those rows were scored.
"""

import logging
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import msgspec

from interlock.domain.errors import InterlockError, StoreUnavailableError
from interlock.domain.replay import Replay, ReplayReport
from interlock.predictions.job_process import end_with_starter
from interlock.scoring.replay_plan import Task, plan_of
from interlock.scoring.replaying import Replaying
from interlock.store.database import Store

_log = logging.getLogger(__name__)

_NICE = 5
# How often it says how far it is, and looks whether it is to stop: a batch of a slow model can take minutes.
_SAY_SECONDS = 0.5


class Job:
    """A replay, and its place in the store.

    Args:
        task: What to do.
        store: Opened from it.
        clock: The time now, aware UTC.
    """

    def __init__(self, task: Task, store: Store, clock: Callable[[], datetime]) -> None:
        self._task, self._store, self._clock = task, store, clock
        self._ends_at = time.monotonic() + task.seconds
        self._progress = (0, 0)
        self._scratch = Path(tempfile.mkdtemp(prefix="interlock-"))

    def run(self) -> None:
        """Replay, and leave what came of it: a report, or why there is none."""
        try:
            report = self._replay()
        except InterlockError as error:
            self._end(state="failed", error=str(error))
        except Exception as error:
            _log.exception("replay %s broke", self._task.replay_id)
            self._end(state="failed", error=f"it broke: {type(error).__name__}: {error}")
        else:
            self._end(state="done", report=report, done=report.rows, total=report.rows)
        finally:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def watch(self) -> None:
        """Say how far it is, until it has ended; end the process where somebody cancels it, or its time is over.

        Run in a thread of its own: what the other thread waits for may be a model that hangs.
        """
        while True:
            time.sleep(_SAY_SECONDS)
            try:
                if self._is_over():
                    return
            except StoreUnavailableError as error:
                _log.warning("replay %s cannot say how far it is: %s", self._task.replay_id, error)

    def _is_over(self) -> bool:
        done, total = self._progress
        with self._store.transaction() as tx:
            found = tx.replays.change(self._task.replay_id, lambda one: self._at(one, done, total))
        if found.state != "running":
            return True
        if found.is_cancelled:
            self._stop(state="cancelled")
        if time.monotonic() > self._ends_at:
            hours = self._task.seconds / 3600
            error = f"stopped after {hours:g} h at row {done:,} of {total:,}; ask for less time, or for a sample"
            self._stop(state="failed", error=error)
        return False

    def _replay(self) -> ReplayReport:
        with self._store.read() as tx:
            plan = plan_of(tx, tx.replays.get(self._task.replay_id))
        log, artifacts = Path(self._task.log), Path(self._task.artifacts)
        replaying = Replaying(plan, log, artifacts, self._scratch, self._clock)
        try:
            return replaying.run(self._hear)
        finally:
            replaying.close()

    def _hear(self, done: int, total: int) -> None:
        self._progress = done, total

    def _at(self, replay: Replay, done: int, total: int) -> Replay:
        if replay.state != "running":
            return replay
        return msgspec.structs.replace(replay, done=done, total=total, heard_at=self._clock())

    def _stop(self, **what: object) -> NoReturn:
        """End everything at once; runner processes end with this one."""
        self._end(**what)
        shutil.rmtree(self._scratch, ignore_errors=True)
        os._exit(0)

    def _end(self, **what: object) -> None:
        now = self._clock()

        def ended(one: Replay) -> Replay:
            if one.state != "running":
                return one
            return msgspec.structs.replace(one, heard_at=now, finished_at=now, **what)

        with self._store.transaction() as tx:
            tx.replays.change(self._task.replay_id, ended)


def main() -> None:
    """Do one task."""
    task = msgspec.json.decode(sys.stdin.buffer.readline(), type=Task)
    end_with_starter()
    os.nice(_NICE)
    logging.basicConfig(level=logging.ERROR, format="replay %(levelname)s %(name)s: %(message)s")
    store = Store(task.store)
    try:
        job = Job(task, store, lambda: datetime.now(UTC))
        threading.Thread(target=job.watch, daemon=True).start()
        job.run()
    finally:
        store.close()


if __name__ == "__main__":
    main()
