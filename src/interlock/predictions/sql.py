"""Answers a user's SQL over the log, in a process of its own.

Called by the control API. Whatever the query does, it cannot slow, fill or read the server: the child has DuckDB with a
memory limit, no way to files other than those of the tables, and is killed when its time is over. Its answer goes to a
file without a name, never through this process's memory.
"""

import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from threading import BoundedSemaphore
from typing import IO, Any

import msgspec

from interlock.domain.errors import InvalidInputError, OverloadedError

# A scan of a hundred million rows on one core takes about this long; more is a job for an engine of its own.
_SECONDS = 60.0
# What the child's environment needs to find Python and this package. It holds no secrets.
ENVIRONMENT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "HOME", "TMPDIR")
REFUSED = 3
"""The exit code of a child that has said why not on stderr."""

_MOST_AT_ONCE = 4
_PATIENCE_SECONDS = 10.0
_running = BoundedSemaphore(_MOST_AT_ONCE)

_log = logging.getLogger(__name__)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What the child is asked. `seconds` also bounds its processor time, should its parent die."""

    root: str
    sql: str
    endpoints: tuple[str, ...] = ()
    row_limit: int | None = None
    memory: str = "1GB"
    seconds: float = _SECONDS


class Refusal(msgspec.Struct, frozen=True):
    """One sentence saying why there is no answer."""

    error: str


class Rows(msgspec.Struct, frozen=True):
    """The JSON of an answer."""

    rows: list[dict[str, Any]]


def query(
    root: Path,
    sql: str,
    *,
    row_limit: int | None = None,
    endpoints: Sequence[str] = (),
    timeout_seconds: float = _SECONDS,
) -> list[dict[str, Any]]:
    """Run one statement that reads, as `answer` does.

    Returns:
        Rows, with times in ISO 8601 (UTC).
    """
    with answer(root, sql, row_limit=row_limit, endpoints=endpoints, timeout_seconds=timeout_seconds) as document:
        return msgspec.json.decode(document.read(), type=Rows).rows


def answer(
    root: Path,
    sql: str,
    *,
    row_limit: int | None = None,
    endpoints: Sequence[str] = (),
    timeout_seconds: float = _SECONDS,
) -> IO[bytes]:
    """Run one statement that reads.

    Args:
        root: Root of the prediction log.
        sql: DuckDB's SQL. An endpoint's name is a table; `labels_E`, `decisions_E` and `rewards_E` are what was said;
            `E_labelled` are predictions with the label that counts for each, `E_joined` with decision and rewards too
            (null where none came). `telemetry` are the readings of devices. Names with `-` or `.` and the column
            `"at"` are quoted.
        row_limit: At most so many rows; all by default.
        endpoints: Endpoints that exist though nothing is logged yet: their tables are empty instead of unknown.
        timeout_seconds: When the child is killed.

    Returns:
        A file at its beginning: `{"rows": [...]}` with times in ISO 8601 (UTC). The caller closes it.

    Raises:
        InvalidInputError: It is no single statement that reads, names what is not there, or takes too much.
        OverloadedError: Too many queries run already.
    """
    question = Question(
        root=str(root), sql=sql, endpoints=tuple(endpoints), row_limit=row_limit, seconds=timeout_seconds
    )
    if not _running.acquire(timeout=_PATIENCE_SECONDS):
        raise OverloadedError(f"{_MOST_AT_ONCE} queries are running already", retry_after_seconds=_PATIENCE_SECONDS)
    try:
        return _ask(question)
    finally:
        _running.release()


def _ask(question: Question) -> IO[bytes]:
    document = tempfile.TemporaryFile()  # noqa: SIM115 (the caller closes it)
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "interlock.predictions.sql_job"],
            input=msgspec.json.encode(question),
            stdout=document,
            stderr=subprocess.PIPE,
            timeout=question.seconds,
            check=False,
            env=environment(),
        )
        check_end(done.returncode, done.stderr)
    except subprocess.TimeoutExpired as error:
        document.close()
        raise InvalidInputError(
            f"the query was stopped after {question.seconds:g} s; narrow it, or read the table with another engine"
        ) from error
    except BaseException:
        document.close()
        raise
    document.seek(0)
    return document


def environment() -> dict[str, str]:
    """The environment of a child that reads the log."""
    return {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}


def check_end(code: int, said: bytes) -> None:
    """Pass if a child that reads the log ended well.

    Args:
        code: Its exit code.
        said: What it said on stderr.

    Raises:
        InvalidInputError: It refused, or was ended.
    """
    if code == REFUSED:
        raise InvalidInputError(msgspec.json.decode(said.splitlines()[-1], type=Refusal).error)
    if code != 0:
        _log.error("a process that read the log ended with code %s: %s", code, said.decode(errors="replace")[-2000:])
        raise InvalidInputError(
            f"the query ended its process (code {code}), most likely for lack of memory or time; narrow it"
        )
