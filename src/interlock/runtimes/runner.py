"""The process that holds one model: `python -m interlock.runtimes.runner FD PARENT_PID`.

Started by `isolated`. It isolates faults (a crash, a hang, a leak ends here); it is no security sandbox. It never
outlives its parent: it learns of the end by the kernel's signal, by a check at start, and by the end of the stream.
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
from interlock.domain.ports import Predictor
from interlock.runtimes import wire
from interlock.runtimes.load import load_predictor

log = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1


def main(argv: list[str]) -> int:
    """Load what the first frame names, then answer until the stream ends."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s runner %(process)d %(message)s", stream=sys.stderr)
    descriptor, parent = int(argv[0]), int(argv[1])
    if not die_with_parent(parent):
        return 1
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides when we end
    limit_memory(os.environ.get("INTERLOCK_RUNNER_MEMORY_BYTES"))
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
    """Bound the address space, so that a leak ends in MemoryError here and not in the machine's."""
    if limit_bytes:
        resource.setrlimit(resource.RLIMIT_AS, (int(limit_bytes), int(limit_bytes)))


def serve(connection: socket.socket) -> None:
    """Speak the protocol over one connection.

    Raises:
        wire.ClosedError: The stream has ended.
    """
    predictor = _load(connection)
    if predictor is None:
        return
    while True:
        frame = wire.receive(connection)
        if isinstance(frame, wire.Ask):
            wire.send(connection, _answer(predictor, frame))


def _load(connection: socket.socket) -> Predictor | None:
    first = wire.receive(connection)
    if not isinstance(first, wire.Load) or first.protocol != wire.PROTOCOL:
        wire.send(connection, wire.Refused(f"the runner speaks protocol {wire.PROTOCOL} only"))
        return None
    try:
        predictor = load_predictor(first.version, Path(first.artifacts))
    except InterlockError as error:
        wire.send(connection, wire.Refused(str(error)))
        return None
    except Exception as error:  # whatever a model's own code raises when it is loaded
        log.warning("model %s cannot be loaded", first.version.ref, exc_info=True)
        wire.send(connection, wire.Refused(f"{type(error).__name__} while loading: {str(error)[:300]}"))
        return None
    wire.send(connection, wire.Loaded())
    return predictor


def _answer(predictor: Predictor, ask: wire.Ask) -> wire.Answer | wire.Failed:
    try:
        return wire.Answer(ask.id, wire.pack(predictor.predict(wire.unpack(ask.columns))))
    except ModelFailedError as error:
        return wire.Failed(ask.id, error.status, error.reason)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
