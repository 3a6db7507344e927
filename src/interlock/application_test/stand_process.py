"""The test's gateway: `python -m interlock.application_test.stand_process FD HOME PARENT_PID`.

A worker like those of production, started by `stand`. It never outlives the process that tests.
"""

import logging
import socket
import sys
from pathlib import Path

import uvloop

from interlock.gateway.worker import run
from interlock.runtimes.runner import die_with_parent
from interlock.settings import Settings


def main(argv: list[str]) -> int:
    """Serve until SIGTERM."""
    if not die_with_parent(int(argv[2])):
        return 1
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    with socket.socket(fileno=int(argv[0])) as listener:
        uvloop.run(run(Settings(home=Path(argv[1])), listener, "gw0"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
