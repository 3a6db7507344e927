"""How a part becomes a process: by an interpreter of its own, or as a fork of the nursery (`nursery_process`)."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Protocol

from interlock.process.handover import Handover


class Process(Protocol):
    """A process that this one started, or adopted, and must wait for."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None:
        """How it ended, as `poll` last saw it: its exit code, or minus the signal."""

    def poll(self) -> int | None:
        """Look whether it has ended."""

    def send_signal(self, number: int) -> None:
        """Signal it, if it has not ended."""


Spawn = Callable[[Handover], Process]
"""Starts a part. Raises OSError where that is not possible now: out of processes or memory."""


def by_interpreter(environment: Mapping[str, str]) -> Spawn:
    """Start parts as interpreters of their own, with these variables."""

    def spawn(handover: Handover) -> Process:
        return run("interlock.process.part", handover.arguments(), handover.descriptors, environment)

    return spawn


def run(
    module: str, arguments: list[str], descriptors: tuple[int, ...], environment: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    """Run a module of ours that inherits some descriptors."""
    return subprocess.Popen(
        # -P: the folder in which a user typed `interlock up` must not shadow modules of ours.
        [sys.executable, "-P", "-m", module, *arguments],
        env=environment,
        # Root as working folder, likewise for what the part starts itself.
        cwd="/",
        pass_fds=descriptors,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        # A process group of its own: Ctrl-C at the terminal reaches the supervisor alone, which then drains in order.
        process_group=0,
    )
