"""The process that tests a version: `python -m interlock.application_test.job PARENT_PID`, JSON in, JSON out.

Started by `launch`. It reads a file of a user, starts a gateway of its own, and asks it. What crashes or hangs here
takes this process with it, and nothing that serves anybody.
"""

import logging
import os
import sys
from typing import BinaryIO

import msgspec

from interlock.application_test.run import run
from interlock.domain.errors import InterlockError, InvalidInputError
from interlock.registry.application_tests import Job
from interlock.registry.registration import Refusal
from interlock.runtimes.runner import die_with_parent

log = logging.getLogger(__name__)


def main(argv: list[str]) -> int:
    """Test what stdin names, write what was found to stdout."""
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
    with _only_ours() as out:
        if not die_with_parent(int(argv[0])):
            return 1
        out.write(answer(msgspec.json.decode(sys.stdin.buffer.read(), type=Job)))
    return 0


def answer(job: Job) -> bytes:
    """Test, or say why not: `Findings` or a `Refusal` as JSON."""
    try:
        return msgspec.json.encode({"findings": run(job)})
    except InvalidInputError as error:
        return msgspec.json.encode({"refusal": Refusal(error="InvalidInputError", faults=error.faults)})
    except InterlockError as error:
        return msgspec.json.encode({"refusal": Refusal(error="UnloadableModelError", faults=(str(error),))})


def _only_ours() -> BinaryIO:
    """Keep stdout for the answer: what libraries print goes to stderr."""
    ours = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return ours


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
