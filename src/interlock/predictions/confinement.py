"""What keeps a process that reads the log for a user within bounds, beside what DuckDB itself allows."""

import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from interlock.domain.errors import InvalidInputError
from interlock.predictions.sql import REFUSED, Refusal

# DuckDB keeps its own limit; this one is for what it does not count: Arrow, the answer's text. Imports alone map 1 GB.
_MEMORY_BYTES = 4 * 1024**3
_ANSWER_BYTES = 8 * 1024**3
# Serving comes first.
_NICENESS = 5


def limit_process(seconds: float) -> None:
    """Bound this process's processor time, memory and files, and let others go first."""
    os.nice(_NICENESS)
    for what, limit in (
        (resource.RLIMIT_CPU, int(seconds) + 1),
        (resource.RLIMIT_AS, _MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, _ANSWER_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (limit, limit))


@contextmanager
def refuse() -> Iterator[None]:
    """End with one sentence on stderr where there is no answer."""
    try:
        yield
    except InvalidInputError as error:
        sentence = str(error)
    except OSError as error:
        sentence = f"the answer cannot be written: {error.strerror or error}"
    else:
        return
    sys.stderr.buffer.write(msgspec.json.encode(Refusal(sentence)) + b"\n")
    sys.stderr.flush()
    # Not by SystemExit, which would flush what is left of an answer that is not one.
    os._exit(REFUSED)
