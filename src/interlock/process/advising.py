"""The process of one advice on retraining: `python -m interlock.process.advising FOLDER PARENT_PID`.

Started by the control API, with its settings in the environment. It ends with the thread that started it. The trainers
are further processes, without these settings.
"""

import logging
import os
import sys
from pathlib import Path

from interlock import bootstrap
from interlock.process.handover import VARIABLE, decode
from interlock.process.lifeline import be_killed_with_parent

# Callers wait for gateways, and nobody for this.
_NICENESS = 5


def main(argv: list[str]) -> int:
    """Perform the advice of a folder."""
    be_killed_with_parent(int(argv[1]))
    os.nice(_NICENESS)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    bootstrap.build_adviser(decode(os.environ[VARIABLE]), Path(argv[0])).perform()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
