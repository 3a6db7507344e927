"""A server for one program: `interlock up` as a child, which stops when the program does.

Called by `interlock serve`, `interlock.serve` and the demo. Whoever owns the home folder owns the server, so it makes a
key of its own instead of asking for one.
"""

import secrets
import signal
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec

from interlock import bootstrap
from interlock.client.client import Client
from interlock.domain.errors import HomeError, InterlockError
from interlock.process import home
from interlock.settings import Settings

_STOP_SECONDS = 90.0


class Server:
    """A server to be started. Use it in a `with`, or call `stop`.

    Args:
        settings: Where it lives and listens; port 0 lets the system choose.
        key_name: Name of the key that is made for this program, as the audit log will show it.
    """

    def __init__(self, settings: Settings, *, key_name: str) -> None:
        self._settings, self._key_name = settings, key_name
        self._process: subprocess.Popen[str] | None = None
        self._pump: threading.Thread | None = None
        self._said: deque[str] = deque(maxlen=20)
        self.gateway = self.control = self.key = ""

    def start(self) -> Self:
        """Start it and wait until both ports answer.

        Raises:
            HomeError: It ended instead; the message is its own.
        """
        home.prepare(self._settings)
        bootstrap.migrate(self._settings)
        self.key = self._make_key()
        try:
            self._begin()
        except BaseException:
            self.stop()
            raise
        return self

    def _make_key(self) -> str:
        name = f"{self._key_name}-{secrets.token_hex(3)}"
        ring = bootstrap.build_key_ring(self._settings)
        return ring.create(name, "admin", actor=bootstrap.local_actor(), allow=("backdate",))[1]

    def _begin(self) -> None:
        process = self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "interlock", *self._arguments()],
            stdin=subprocess.PIPE,  # its end is the sign to stop, also when this process is killed
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        self._pump = threading.Thread(target=self._repeat, args=(process.stderr,), daemon=True)
        self._pump.start()
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            process.wait()
            self._pump.join(timeout=5)
            raise HomeError(self._said[-1].removeprefix("error: ") if self._said else "the server ended at once")
        ready = msgspec.json.decode(line)
        self.gateway, self.control = ready["gateway"], ready["control"]

    def connect(self) -> Client:
        """A client with this program's key."""
        return Client(self.control, self.key, gateway=self.gateway)

    def wait(self) -> int:
        """Wait until it ends by itself.

        Raises:
            InterlockError: It was never started.
        """
        if self._process is None:
            raise InterlockError("the server was not started")
        return self._process.wait()

    def stop(self) -> None:
        """Drain and end it. May be called twice."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._pump is not None:
            self._pump.join(timeout=5)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _arguments(self) -> list[str]:
        given = self._settings
        options = {
            "home": given.home,
            "host": given.host,
            "port": given.port,
            "control-port": given.control_port,
            "workers": given.workers,
            "store-url": given.store_url,  # also if empty: the store of this program, whatever the environment names
        }
        spelt = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        return ["up", "--json", "--until-stdin-ends", *spelt]

    def _repeat(self, stream: IO[str] | None) -> None:
        for line in stream or ():
            if line.strip():
                self._said.append(line.strip())
            sys.stderr.write(line)
        if stream is not None:
            stream.close()


def launch(
    folder: Path, *, port: int = 0, control_port: int = 0, host: str = "127.0.0.1", key_name: str = "program"
) -> Server:
    """Start a server on a home folder, and wait until both ports answer. Port 0 lets the system choose.

    Raises:
        HomeError: It ended instead; the message is its own.
    """
    settings = Settings(home=folder.resolve(), host=host, port=port, control_port=control_port)
    return Server(settings, key_name=key_name).start()
