"""Work in a process of its own: how it is started, ends with its starter, and hands back what it found.

Called by whoever has work that takes memory or a processor for a while, which a server that answers must not give; and
by the processes that do it. The task comes on stdin, a line of JSON; the pipe stays open as long as the starter lives.
"""

import logging
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from typing import IO, Any, NoReturn, TypeVar

import msgspec

from interlock.domain.errors import (
    ConflictError,
    InterlockError,
    InvalidInputError,
    NotFoundError,
    UnloadableModelError,
)

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

_REFUSALS: dict[str, Callable[..., InterlockError]] = {
    each.__name__: each for each in (ConflictError, InvalidInputError, NotFoundError, UnloadableModelError)
}


class _Said(msgspec.Struct, kw_only=True):
    """What the process writes to stdout. `error` names a class of `domain.errors`; `arguments` are its own."""

    found: msgspec.Raw = msgspec.Raw(b"null")
    error: str = ""
    arguments: tuple[str, ...] = ()


def end_with_starter() -> None:
    """End this process when its starter is gone, whose end of stdin it holds. The task must have been read."""
    threading.Thread(target=_wait_for_end, daemon=True).start()


def _wait_for_end() -> NoReturn:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(1)


def answer(work: Callable[[], Any]) -> None:
    """Do the work of this process, and write what it found, or why it refuses, to stdout."""
    out = os.fdopen(os.dup(1), "wb")
    # What libraries print must not stand in the answer.
    os.dup2(2, 1)
    try:
        said = _Said(found=msgspec.Raw(msgspec.json.encode(work())))
    except InvalidInputError as error:
        said = _Said(error="InvalidInputError", arguments=error.faults)
    except NotFoundError as error:
        said = _Said(error="NotFoundError", arguments=(error.kind, error.name))
    except InterlockError as error:
        name = type(error).__name__
        said = _Said(error=name if name in _REFUSALS else "ConflictError", arguments=(str(error),))
    out.write(msgspec.json.encode(said))
    out.close()


def ask(module: str, task: Any, found: type[_T], *, seconds: float) -> _T:
    """Have a module, run as a program in a process of its own, do a task, and wait for what it finds.

    Args:
        module: It reads the task, calls `end_with_starter`, and `answer`.
        task: What to do; becomes JSON.
        found: The type of what it finds.
        seconds: When it is ended.

    Raises:
        InterlockError: What the process has refused with.
        ConflictError: It died, or its time is over.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as noise:
        code = _run(module, msgspec.json.encode(task) + b"\n", out, noise, seconds)
        said, complaints = _read(out), _read(noise).decode(errors="replace")
    if complaints:
        _log.warning("%s: %s", module, complaints[-4000:])
    if code is None:
        raise ConflictError(f"it took longer than {seconds:g} s and was ended; ask for less time, or for fewer rows")
    if code != 0 or not said:
        raise ConflictError(f"its process ended (code {code}), most likely for lack of memory; ask for less time")
    answered = msgspec.json.decode(said, type=_Said)
    if answered.error:
        raise _REFUSALS[answered.error](*answered.arguments)
    return msgspec.json.decode(answered.found, type=found)


def _run(module: str, task: bytes, out: IO[bytes], noise: IO[bytes], seconds: float) -> int | None:
    """The exit code; None where the time was over."""
    command = [sys.executable, "-P", "-m", module]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=noise) as job:
        try:
            assert job.stdin is not None
            job.stdin.write(task)
            job.stdin.flush()
            return job.wait(seconds)
        except BrokenPipeError:
            return job.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            job.kill()


def _read(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()
