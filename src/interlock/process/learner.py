"""The process of one endpoint's learner: `python -m interlock.process.learner ENDPOINT PARENT_PID`.

Started by the controller, which stands back where processors are short, and so does this; its settings are in the
environment. It ends with the thread that started it; whoever comes next goes on where the store says. The model itself
is in another process, without these settings.
"""

import logging
import os
import subprocess
import sys
import time
from pathlib import Path

from interlock import bootstrap
from interlock.domain.errors import StoreUnavailableError
from interlock.learning.online_learner import OnlineLearner
from interlock.predictions import flush
from interlock.process.handover import VARIABLE, decode
from interlock.process.lifeline import be_killed_with_parent

LOG = "learner.log"
"""What a learner says, in its folder."""

_LOOK_SECONDS = 0.25
_MOST_LOG_BYTES = 4 * 1024 * 1024
# A quiet endpoint's labels are brought into the log by a flush, each of which may be a commit.
_FRESH_SECONDS = (1.0, 30.0)


def start_learner(endpoint: str, folder: Path) -> "subprocess.Popen[bytes]":
    """Start the process of a learner; what it says goes to the folder's log, which begins anew when it is long."""
    path = folder / LOG
    is_long = path.exists() and path.stat().st_size > _MOST_LOG_BYTES
    with path.open("wb" if is_long else "ab") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "interlock.process.learner", endpoint, str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def main(argv: list[str]) -> int:
    """Learn until there is nothing to learn for."""
    be_killed_with_parent(int(argv[1]))
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    settings = decode(os.environ[VARIABLE])
    learner = bootstrap.build_online_learner(settings, argv[0])
    try:
        run(learner, settings.spools)
    finally:
        learner.close()
    return 0


def run(learner: OnlineLearner, spools: Path) -> None:
    """Step after step, as long as it is wanted."""
    next_flush_at = 0.0
    while learner.is_wanted:
        try:
            if time.monotonic() >= next_flush_at:
                fresh = min(max(learner.every_seconds / 4, _FRESH_SECONDS[0]), _FRESH_SECONDS[1])
                next_flush_at = time.monotonic() + fresh
                flush.request(spools, timeout_seconds=_FRESH_SECONDS[0])
            if not learner.step():
                time.sleep(_LOOK_SECONDS)
        except StoreUnavailableError as error:
            logging.getLogger(__name__).warning("%s", error)
            time.sleep(error.retry_after_seconds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
