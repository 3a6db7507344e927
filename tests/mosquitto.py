"""A real Mosquitto on a port of its own: started, killed, started again with what it had kept."""

import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

from interlock.process.sockets import listen

BINARY = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


class Mosquitto:
    """A broker. `port` stays the same over `kill` and `start`; sessions are kept in `folder`."""

    def __init__(self, folder: Path, *, user: str = "", password: str = "") -> None:
        with listen("127.0.0.1", 0, option="--port") as listener:
            self.port = int(listener.getsockname()[1])
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        lines = [
            f"listener {self.port} 127.0.0.1", "persistence true", f"persistence_location {folder}/",
            "autosave_interval 1", "autosave_on_changes true", "max_queued_messages 0", "user root",
        ]  # fmt: skip
        if user:
            passwords = folder / "passwords"
            passwords.touch(mode=0o600)
            subprocess.run(["mosquitto_passwd", "-b", str(passwords), user, password], check=True)
            lines += ["allow_anonymous false", f"password_file {passwords}"]
        else:
            lines.append("allow_anonymous true")
        (folder / "mosquitto.conf").write_text("\n".join(lines))

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}/plant"

    def start(self) -> Self:
        """Start it, and wait until it answers."""
        self._process = subprocess.Popen(
            [str(BINARY), "-c", str(self._folder / "mosquitto.conf")], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return self
        raise AssertionError("Mosquitto did not start")

    def stop(self) -> None:
        """End it, keeping its sessions."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=30)
            self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
