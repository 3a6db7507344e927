"""The supervisor's side of the nursery: keeps one, asks it for parts, and goes on without it where there is none."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping

from interlock.process import adoption, spawning
from interlock.process.adoption import Adopted
from interlock.process.handover import Handover
from interlock.process.spawning import Process

# A nursery that has to import everything first, on a machine with better things to do.
_ANSWER_SECONDS = 30.0
_END_SECONDS = 2.0
# It costs time to try again, and each part can do without it.
_MOST_FAILURES = 3


class NurseryProcess:
    """Starts parts as forks of one process. Where that fails, as interpreters of their own.

    Args:
        environment: Variables of every part.
        descriptors: All that any part inherits: the lifeline and the listening sockets.
    """

    def __init__(self, environment: Mapping[str, str], descriptors: tuple[int, ...]) -> None:
        self._descriptors = descriptors
        # Threads that its libraries start would not be there in a fork.
        self._environment = {"OPENBLAS_NUM_THREADS": "1", **environment}
        self._by_interpreter = spawning.by_interpreter(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._requests: socket.socket | None = None
        self._failures = 0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start it, so that it imports while the caller does something else. Does nothing on other systems."""
        if not adoption.is_possible():
            return
        adoption.adopt_orphans()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            arguments = ["--parent", str(os.getpid()), "--requests", str(theirs.fileno())]
            held = [str(descriptor) for descriptor in self._descriptors]
            descriptors = (theirs.fileno(), *self._descriptors)
            self._process = spawning.run(
                "interlock.process.nursery", [*arguments, "--holds", *held], descriptors, self._environment
            )
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        ours.settimeout(_ANSWER_SECONDS)
        self._requests = ours

    def spawn(self, handover: Handover) -> Process:
        """Start a part.

        Raises:
            OSError: Not even an interpreter of its own can be started.
        """
        try:
            self.look()
            if self._process is None and self._failures < _MOST_FAILURES:
                self.start()
            if self._requests is not None:
                return self._ask(self._requests, handover)
        except (OSError, ValueError) as error:
            print(f"interlock: {handover.name} is started without the nursery: {error}", file=sys.stderr)
            self._failures += 1
            self.close()
        return self._by_interpreter(handover)

    def _ask(self, requests: socket.socket, handover: Handover) -> Process:
        requests.send(json.dumps(handover.arguments()).encode())
        pid = int(requests.recv(32) or 0)
        if not pid:
            raise OSError("it could not fork")
        return Adopted(pid)

    def look(self) -> None:
        """Notice that it has ended. The next part starts another."""
        if self._process is not None and self._process.poll() is not None:
            print(f"interlock: the nursery ended (exit code {self._process.returncode})", file=sys.stderr)
            self.close()

    def close(self) -> None:
        """End it. Parts go on."""
        if self._requests is not None:
            self._requests.close()
            self._requests = None
        if self._process is None:
            return
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
