"""The process of one run of retraining: `python -m interlock.process.retraining RUN_ID PARENT_PID`.

Started by the controller, with its settings in the environment. It ends with the thread that started it; what it had
begun is then begun once more. The trainer itself is another process, without these settings.
"""

import logging
import os
import subprocess
import sys
from pathlib import Path

from interlock import bootstrap
from interlock.learning.workspace import LOG
from interlock.process.handover import VARIABLE, decode
from interlock.process.lifeline import be_killed_with_parent


def start_run(run_id: str, folder: Path) -> "subprocess.Popen[bytes]":
    """Start the process of a run; what it and its trainer say goes to the folder's log."""
    with (folder / LOG).open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "interlock.process.retraining", run_id, str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def main(argv: list[str]) -> int:
    """Perform the run."""
    be_killed_with_parent(int(argv[1]))
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    bootstrap.build_retrainer(decode(os.environ[VARIABLE])).perform(argv[0])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
