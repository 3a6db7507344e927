"""The process that examines a model: `python -m interlock.registry.job PARENT_PID`, JSON in, JSON out.

Started by `register`. A file that crashes, hangs or misbehaves when it is loaded takes this process with it and nothing
else. It is no security sandbox; its environment holds no secrets.
"""

import logging
import os
import sys
from typing import BinaryIO

import msgspec

from interlock.domain.errors import InvalidInputError, UnloadableModelError
from interlock.registry.examine import examine
from interlock.registry.registration import Examination, Job, Refusal
from interlock.runtimes.runner import die_with_parent


def main(argv: list[str]) -> int:
    """Examine what stdin names, write what was found to stdout."""
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
    with _only_ours() as out:
        if not die_with_parent(int(argv[0])):
            return 1
        job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
        out.write(msgspec.json.encode(answer(job)))
    return 0


def answer(job: Job) -> Examination | Refusal:
    """Examine, or say why not."""
    try:
        return examine(job)
    except InvalidInputError as error:
        return Refusal(error="InvalidInputError", faults=tuple(map(str, error.faults)))
    except UnloadableModelError as error:
        return Refusal(error="UnloadableModelError", faults=(str(error),))


def _only_ours() -> BinaryIO:
    """Keep stdout for the answer: what models and converters print goes to stderr."""
    ours = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return ours


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
