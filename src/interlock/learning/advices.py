"""Advice on how often to retrain, as people ask for it. Called by the control API.

The work is done by a process of its own, watched by a thread here: the API answers while it runs. It refuses a second
one beside it, since each trains several models.
"""

import logging
import subprocess
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from interlock.domain.access import Key
from interlock.domain.advice import Advice
from interlock.domain.errors import ConflictError, InvalidInputError
from interlock.learning import advice_file
from interlock.learning.declaring import check_there
from interlock.store.database import Store

_log = logging.getLogger(__name__)

_SECONDS = 4 * 3600.0
_ENDING_SECONDS = 30.0

FEWEST_STARTS, MOST_STARTS = 3, 12

Spawn = Callable[[Path], "subprocess.Popen[bytes]"]
"""Starts the process of an advice on its folder."""


class Advices:
    """Advice on every endpoint: the newest one of each.

    Args:
        store: The control plane's store.
        folders: Where runs have their folders.
        clock: Aware UTC.
        spawn: Starts the process.
        seconds: Time limit of each.
    """

    def __init__(
        self, store: Store, folders: Path, clock: Callable[[], datetime], *, spawn: Spawn, seconds: float = _SECONDS
    ) -> None:
        self._store, self._folders, self._clock = store, folders, clock
        self._spawn, self._seconds = spawn, seconds
        self._lock = threading.Lock()
        self._working = ""
        self._watcher: threading.Thread | None = None

    def start(self, endpoint: str, actor: Key, *, tolerated: float, starts: int) -> Advice:
        """Begin to measure, and return at once.

        Args:
            endpoint: Whose model.
            actor: Who asks.
            tolerated: Share of a fresh model's loss that may be lost on average between two runs.
            starts: How many models are taught, each up to another day.

        Raises:
            NotFoundError: No such endpoint.
            InvalidInputError: A number is out of range, or declared code is not there.
            ConflictError: Another one is being measured on this server.
        """
        _check(tolerated, starts)
        with self._store.read() as tx:
            tx.endpoints.get(endpoint)
            if (declared := tx.retrainings.get(endpoint)) is not None:
                check_there(declared)
        with self._lock:
            self._let_end()
            if self._working:
                raise ConflictError(f"endpoint {self._working!r} is being measured; each advice trains several models")
            self._working = endpoint
            try:
                advice = self._begin(endpoint, actor, tolerated, starts)
            except BaseException:
                self._working = ""
                raise
            self._watcher = threading.Thread(
                target=self._watch, args=(endpoint,), name=f"{endpoint}-advice", daemon=True
            )
            self._watcher.start()
        return advice

    def _let_end(self) -> None:
        """Wait for a process that has written its last word and is about to end."""
        if self._watcher is None or not self._working:
            return
        if advice_file.read(advice_file.folder_of(self._folders, self._working)).state != "running":
            self._watcher.join(_ENDING_SECONDS)

    def get(self, endpoint: str) -> Advice:
        """The newest advice on an endpoint.

        Raises:
            NotFoundError: No such endpoint, or nobody has asked yet.
        """
        with self._store.read() as tx:
            tx.endpoints.get(endpoint)
        found = advice_file.read(advice_file.folder_of(self._folders, endpoint))
        if found.state == "running" and self._working != endpoint:
            return msgspec.structs.replace(found, state="failed", error="the server ended meanwhile; ask again")
        return found

    def _begin(self, endpoint: str, actor: Key, tolerated: float, starts: int) -> Advice:
        now, folder = self._clock(), advice_file.folder_of(self._folders, endpoint)
        advice = Advice(
            endpoint=endpoint, state="running", created_at=now, created_by=actor.name, tolerated=tolerated,
            starts=starts, told="reading the log",
        )  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        advice_file.clean(folder)
        (folder / "spill").mkdir()
        advice_file.write(folder, advice)
        with self._store.transaction() as tx:
            details = {"tolerated": tolerated, "starts": starts}
            tx.audit.append(now, actor.name, actor.role, "retraining.advise", endpoint, details)
        return advice

    def _watch(self, endpoint: str) -> None:
        """Start the process and wait for its end. One that dies without a word has failed."""
        folder = advice_file.folder_of(self._folders, endpoint)
        error = ""
        try:
            with self._spawn(folder) as process:
                try:
                    code = process.wait(self._seconds)
                    error = f"its process ended (exit code {code}); its log is {folder}/log.txt on the server"
                except subprocess.TimeoutExpired:
                    error = f"it took longer than {self._seconds / 3600:g} hours and was ended; ask with fewer starts"
                finally:
                    process.kill()
        except OSError as fault:
            error = f"its process could not be started: {fault.strerror or fault}"
        self._end(folder, error)

    def _end(self, folder: Path, error: str) -> None:
        try:
            found = advice_file.read(folder)
            if found.state == "running":
                advice_file.clean(folder)
                ended = msgspec.structs.replace(found, state="failed", error=error, ended_at=self._clock())
                advice_file.write(folder, ended)
        except Exception:
            _log.exception("the end of the advice in %s could not be noted", folder)
        finally:
            self._working = ""


def _check(tolerated: float, starts: int) -> None:
    faults = []
    if not 0 < tolerated < 1:
        faults.append(f"tolerated == {tolerated:g}, must be a share between 0 and 1, both excluded")
    if not FEWEST_STARTS <= starts <= MOST_STARTS:
        faults.append(f"starts == {starts}, must be between {FEWEST_STARTS} and {MOST_STARTS}")
    if faults:
        raise InvalidInputError(*faults)
