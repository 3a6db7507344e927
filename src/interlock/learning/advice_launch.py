"""Starts the process of an advice, with the settings that the supervisor put into this process's environment."""

import os
import subprocess
import sys
from pathlib import Path

from interlock.learning.workspace import LOG


def start(folder: Path) -> "subprocess.Popen[bytes]":
    """Start it; what it says goes to the folder's log."""
    with (folder / LOG).open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "interlock.process.advising", str(folder), str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
