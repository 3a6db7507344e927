"""The process that examines a model: `python -m interlock.registry.job PARENT_PID`, JSON in, JSON out.

Started by `register`. A file that crashes, hangs or misbehaves when it is loaded takes this process with it and nothing
else. It is no security sandbox; its environment holds no secrets.
"""

import logging
import os
import sys
from pathlib import Path
from typing import BinaryIO

import msgspec

from interlock.domain.errors import InvalidInputError, UnloadableModelError
from interlock.registry.examine import examine
from interlock.registry.registration import Job, Refusal
from interlock.runtimes.checked import first_line
from interlock.runtimes.runner import die_with_parent, limit_memory
from interlock.settings import RUNNER_MEMORY

log = logging.getLogger(__name__)


def main(argv: list[str]) -> int:
    """Examine what stdin names, write what was found to stdout."""
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
    limit_memory(os.environ.get(RUNNER_MEMORY))
    with _only_ours() as out:
        if not die_with_parent(int(argv[0])):
            return 1
        job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
        out.write(answer(job))
    return 0


def answer(job: Job) -> bytes:
    """Examine, or say why not: an `Examination` or a `Refusal` as JSON."""
    try:
        return msgspec.json.encode(examine(job))
    except InvalidInputError as error:
        refusal = Refusal(error="InvalidInputError", faults=tuple(_shown(fault, job) for fault in error.faults))
    except UnloadableModelError as error:
        refusal = Refusal(error="UnloadableModelError", faults=(_shown(str(error), job),))
    except Exception as error:  # whatever a model's own code raises
        log.exception("%s cannot be served", job.source_name)
        sentence = f"{job.source_name} cannot be served: {first_line(error)}"
        refusal = Refusal(error="UnloadableModelError", faults=(_shown(sentence, job),))
    return msgspec.json.encode(refusal)


def _shown(sentence: str, job: Job) -> str:
    """Without paths of this machine, which mean nothing to who sent the file."""
    folder = job.source_name if job.source_name.endswith("/") else ""
    for path, name in ((f"{job.staging}/folder/", folder), (job.staging, ""), (job.stored, job.source_name)):
        sentence = sentence.replace(path, name)
    return sentence.replace(job.reference, Path(job.reference).name) if job.reference else sentence


def _only_ours() -> BinaryIO:
    """Keep stdout for the answer: what models and converters print goes to stderr."""
    ours = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return ours


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
