"""Hands a run that was judged, or failed, to MLflow, where its owner wants that.

Called by the run's process, which waits for another one: MLflow takes seconds to import, and a tracking server that is
down may take its time. Whatever happens there is written down with the run and changes nothing else.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from interlock.domain.run import Run
from interlock.learning import workspace
from interlock.predictions.sql import ENVIRONMENT
from interlock.runtimes.interpreter import environment

LOCAL = "local"
"""Tracking in the home folder: SQLite, and artifacts beside it."""

_SECONDS = 90.0
_TASK, _RESULT = "tracking.json", "tracked.json"


class Tracking(msgspec.Struct, frozen=True, kw_only=True):
    """What the process is given.

    Args:
        uri: Of the tracking server or database.
        artifacts: Where artifacts of new experiments go; empty leaves it to the server.
        folder: Of the run.
        run: All that is known of it.
    """

    uri: str
    artifacts: str
    folder: str
    run: Run


def track(run: Run, folder: Path, home: Path) -> dict[str, Any]:
    """Hand a run over.

    Args:
        run: With `settings.tracking`.
        folder: Its folder.
        home: Where `local` tracking is.

    Returns:
        `uri`, `experiment_id` and `run_id`; or `uri` and `error`.
    """
    wanted = run.settings.tracking or LOCAL
    is_local = wanted == LOCAL
    uri = f"sqlite:///{(home / 'mlflow.db').absolute()}" if is_local else wanted
    artifacts = str((home / "mlruns").absolute()) if is_local else ""
    task = Tracking(uri=uri, artifacts=artifacts, folder=str(folder), run=run)
    (folder / _RESULT).unlink(missing_ok=True)
    workspace.write(folder / _TASK, task)
    try:
        return {"uri": LOCAL if is_local else _without_secrets(uri), **_tracked(folder)}
    finally:
        for name in (_TASK, _RESULT):
            (folder / name).unlink(missing_ok=True)


def _tracked(folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-P", "-m", "interlock.learning.tracking_process", str(folder / _TASK), str(os.getpid())]
    names = (*ENVIRONMENT, *(name for name in os.environ if name.startswith(("MLFLOW_", "AWS_"))))
    env = environment(None) | {name: os.environ[name] for name in names if name in os.environ}
    # A server that is down is asked again for minutes by default.
    limits = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
    with (folder / workspace.LOG).open("ab") as log:
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=limits | env,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return {"error": f"MLflow did not answer within {_SECONDS:g} s"}
    if not (folder / _RESULT).exists():
        return {"error": f"the process that speaks to MLflow ended with code {done.returncode}; see the run's log"}
    found: dict[str, Any] = msgspec.json.decode((folder / _RESULT).read_bytes())
    return found


def result_path(task: Path) -> Path:
    """Where the process writes what came of it."""
    return task.with_name(_RESULT)


def _without_secrets(uri: str) -> str:
    """An address without the user and password that it may hold."""
    scheme, separator, rest = uri.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}" if separator else uri
