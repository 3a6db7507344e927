"""Streams tables out of the log, as Arrow, from a process of its own.

Called by the control API, which passes on what comes: however many rows there are, and however slowly they are taken,
this process holds one chunk of them.
"""

import shutil
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import msgspec

from interlock.domain.errors import InvalidInputError, OverloadedError
from interlock.predictions.sql import check_end, environment

CHUNK_BYTES = 256 * 1024

# Of processor time: about a hundred times what ten million rows of 30 columns take.
_SECONDS = 3600.0

_MOST_AT_ONCE = 8
_PATIENCE_SECONDS = 10.0
_running = BoundedSemaphore(_MOST_AT_ONCE)


class Selection(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Rows of an endpoint's log.

    Args:
        endpoint: Its name.
        since, until: Range of `event_at`, the end excluded.
        versions: Who answered, `name:version` or the number alone; empty for all.
        columns: Those wanted, in this order; empty for all.
        joined: With label, decision and rewards.
    """

    endpoint: str
    since: datetime | None = None
    until: datetime | None = None
    versions: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    joined: bool = False


class Match(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Which predictions the rows of a file mean. The answer has `row`, `outcome` and `prediction_id`.

    Args:
        endpoint: Its name.
        file: An Arrow IPC stream with the column `prediction_id`, or `request_id` and `request_row`, or all three; or
            `key` (text) and `event_at`, which may be null.
        key: What the file's `key` is in the log: `unit`, or the name of an input; None where it has no key.
    """

    endpoint: str
    file: str
    key: str | None = None


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What the child is asked. `scratch` is a folder for what does not fit into memory."""

    root: str
    task: Selection | Match
    scratch: str
    memory: str = "512MB"
    seconds: float = _SECONDS


class LogStream:
    """An Arrow IPC stream on its way.

    Args:
        root: Root of the prediction log.
        task: What to stream.
        scratch: A folder for what does not fit into memory, removed at the end. Default: one is made.

    Raises:
        InvalidInputError: The log cannot be asked so, and why.
        OverloadedError: Too many streams are under way.
    """

    def __init__(self, root: Path, task: Selection | Match, scratch: Path | None = None) -> None:
        self._scratch = str(scratch or tempfile.mkdtemp(prefix="interlock-"))
        if not _running.acquire(timeout=_PATIENCE_SECONDS):
            shutil.rmtree(self._scratch, ignore_errors=True)
            raise OverloadedError(f"{_MOST_AT_ONCE} tables are being read already", _PATIENCE_SECONDS)
        self._is_closed = False
        try:
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-m", "interlock.predictions.stream_job"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment(),
            )
        except OSError:
            _running.release()
            raise
        try:
            self._ask(Job(root=str(root), task=task, scratch=self._scratch))
            # The schema: it comes once all that can be wrong with the question is looked at.
            self._first = self._read()
        except BaseException:
            self.close()
            raise

    def read(self) -> bytes:
        """The next chunk, or none at the end.

        Raises:
            InvalidInputError: The child ended before all was said. What came so far is not whole.
        """
        first, self._first = self._first, b""
        return first or self._read()

    def close(self) -> None:
        """End the child, whatever it does, and remove what it left."""
        if self._is_closed:
            return
        self._is_closed = True
        _running.release()
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout, self._child.stderr):
            if pipe is not None:
                pipe.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _ask(self, job: Job) -> None:
        pipe: Any = self._child.stdin
        try:
            pipe.write(msgspec.json.encode(job))
            pipe.close()
        except BrokenPipeError as error:
            raise InvalidInputError("the process that reads the log ended before it was asked") from error

    def _read(self) -> bytes:
        out: Any = self._child.stdout
        chunk: bytes = out.read1(CHUNK_BYTES)
        if not chunk and not self._is_closed:
            said: Any = self._child.stderr
            check_end(self._child.wait(), said.read())
        return chunk
