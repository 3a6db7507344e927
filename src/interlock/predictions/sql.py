"""Answers a user's SQL over the log, in a process of its own.

Called by the control API. Whatever the query does, it cannot slow, fill or read the server: the child has DuckDB with a
memory limit, no way to files other than those of the tables, and is killed when its time is over.
"""

import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from interlock.domain.errors import InvalidInputError

# A scan of a hundred million rows on one core takes about this long; more is a job for an engine of its own.
_SECONDS = 60.0
# What the child's environment needs to find Python and this package. It holds no secrets.
_ENVIRONMENT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "HOME", "TMPDIR")

_log = logging.getLogger(__name__)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What the child is asked. `seconds` also bounds its processor time, should its parent die."""

    root: str
    sql: str
    endpoints: tuple[str, ...] = ()
    row_limit: int | None = None
    memory: str = "1GB"
    seconds: float = _SECONDS


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Rows as JSON values, or one sentence saying why there are none."""

    rows: list[dict[str, Any]] = []
    error: str | None = None


def query(
    root: Path,
    sql: str,
    *,
    row_limit: int | None = None,
    endpoints: Sequence[str] = (),
    timeout_seconds: float = _SECONDS,
) -> list[dict[str, Any]]:
    """Run one statement that reads.

    Args:
        root: Root of the prediction log.
        sql: DuckDB's SQL. An endpoint's name is a table, `labels_E` are its labels, `E_labelled` predictions with the
            label that counts for each (null where none came). Names with `-` or `.` and the column `"at"` are quoted.
        row_limit: At most so many rows; all by default.
        endpoints: Endpoints that exist though nothing is logged yet: their tables are empty instead of unknown.
        timeout_seconds: When the child is killed.

    Returns:
        Rows, with times in ISO 8601 (UTC).

    Raises:
        InvalidInputError: It is no single statement that reads, names what is not there, or takes too much.
    """
    question = Question(
        root=str(root), sql=sql, endpoints=tuple(endpoints), row_limit=row_limit, seconds=timeout_seconds
    )
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "interlock.predictions.sql_job"],
            input=msgspec.json.encode(question),
            capture_output=True,
            timeout=timeout_seconds,
            check=False,
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
        )
    except subprocess.TimeoutExpired as error:
        raise InvalidInputError(
            f"the query was stopped after {timeout_seconds:g} s; narrow it, or read the Delta table with another engine"
        ) from error
    if done.returncode != 0:
        _log.error("sql_job ended with code %s: %s", done.returncode, done.stderr.decode(errors="replace")[-2000:])
        raise InvalidInputError(
            f"the query ended its process (code {done.returncode}), most likely for lack of memory; narrow it"
        )
    answer = msgspec.json.decode(done.stdout, type=Answer)
    if answer.error is not None:
        raise InvalidInputError(answer.error)
    return answer.rows
