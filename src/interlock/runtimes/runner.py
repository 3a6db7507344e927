"""The process that holds one model: `python start_runner.py FD PARENT_PID`, in the interpreter that the version names.

Started by `runner_process`. It needs msgspec, numpy and the model's framework, and nothing else of the server's. It
isolates faults (a crash, a hang, a leak ends here); it is no security sandbox. It never outlives its parent: it learns
of the end by the kernel's signal, by a check at start, and by the end of the stream.
"""

import ctypes
import logging
import os
import resource
import signal
import socket
import sys
from pathlib import Path

from interlock.domain.errors import InterlockError, ModelFailedError
from interlock.runtimes import wire
from interlock.runtimes.checked import CheckedPredictor
from interlock.runtimes.frameworks import differences
from interlock.runtimes.predictors import describe, load_predictor
from interlock.settings import RUNNER_MEMORY

log = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1


def main(argv: list[str]) -> int:
    """Load what the first frame names, then answer until the stream ends."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s runner %(process)d %(message)s", stream=sys.stderr)
    descriptor, parent = int(argv[0]), int(argv[1])
    if not die_with_parent(parent):
        return 1
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides when we end
    limit_memory(os.environ.get(RUNNER_MEMORY))
    with socket.socket(fileno=descriptor) as connection:
        try:
            serve(connection)
        except wire.ClosedError:
            return 0
    return 1


def die_with_parent(parent: int) -> bool:
    """Ask the kernel to kill this process when its parent dies. False if that has happened already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    return os.getppid() == parent


def limit_memory(limit_bytes: str | None) -> None:
    """Bound what this process may hold, so that a leak ends in MemoryError here and not in the machine's.

    Data and not address space: frameworks reserve many times the address space that they ever use.
    """
    if limit_bytes:
        resource.setrlimit(resource.RLIMIT_DATA, (int(limit_bytes), int(limit_bytes)))


def serve(connection: socket.socket) -> None:
    """Speak the protocol over one connection: a gateway loads and may add more, registration describes and loads again.

    Raises:
        wire.ClosedError: The stream has ended, or makes no sense.
    """
    models: dict[str, CheckedPredictor] = {}
    while True:
        frame = wire.receive(connection)
        said: wire.Frame
        if isinstance(frame, wire.Load | wire.Describe):
            said, predictor = _open(frame)
            models = {"": predictor} if predictor is not None else {}
        else:
            said = _obey(models, frame)
        wire.send(connection, said)


def _obey(models: dict[str, CheckedPredictor], frame: wire.Frame) -> wire.Frame:
    """What to say to a frame once something was loaded."""
    if isinstance(frame, wire.Add):
        return _add(models, frame)
    if isinstance(frame, wire.Drop):
        models.pop(frame.name, None)
    elif isinstance(frame, wire.Ask | wire.Learn | wire.Save) and models:
        return _do(models, frame)
    elif not isinstance(frame, wire.Ping):
        raise wire.ClosedError(f"unexpected frame {type(frame).__name__}")
    return wire.Pong(frame.id)


def _add(models: dict[str, CheckedPredictor], frame: wire.Add) -> wire.Frame:
    said, predictor = _open(wire.Load(wire.PROTOCOL, frame.version, frame.artifacts))
    if predictor is not None:
        models[frame.name] = predictor
    return wire.Failed(frame.id, "model_error", said.reason) if isinstance(said, wire.Refused) else wire.Pong(frame.id)


def _do(models: dict[str, CheckedPredictor], frame: wire.Ask | wire.Learn | wire.Save) -> wire.Frame:
    model = models.get(frame.name)
    if model is None:
        return wire.Failed(frame.id, "model_error", f"no model is loaded as {frame.name!r}")
    try:
        if isinstance(frame, wire.Ask):
            return wire.Answer(frame.id, wire.pack(model.predict(wire.unpack(frame.columns))))
        if isinstance(frame, wire.Learn):
            lesson = model.learn(wire.unpack(frame.columns), frame.labels)
            return wire.Learnt(frame.id, wire.pack(lesson.outputs), lesson.status)
        model.save(Path(frame.path))
    except ModelFailedError as error:
        return wire.Failed(frame.id, error.status, error.reason)
    return wire.Pong(frame.id)


def _open(
    frame: wire.Load | wire.Describe,
) -> tuple[wire.Loaded | wire.Described | wire.Refused, CheckedPredictor | None]:
    """What to say to a first frame, and what was loaded."""
    version, artifacts = frame.version, Path(frame.artifacts)
    if frame.protocol != wire.PROTOCOL:
        return wire.Refused(f"the runner speaks protocol {wire.PROTOCOL} only"), None
    try:
        if isinstance(frame, wire.Describe):
            return wire.Described(describe(version, artifacts)), None
        return wire.Loaded(differences(version)), load_predictor(version, artifacts)
    except InterlockError as error:
        return wire.Refused(str(error)), None
    except Exception as error:  # whatever a model's own code raises when it is loaded
        log.warning("model %s cannot be loaded", version.ref, exc_info=True)
        return wire.Refused(f"{type(error).__name__} while loading: {str(error)[:300]}"), None
