"""All parts together: started, kept alive, and drained in the order in which data flows."""

import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from socket import socket
from typing import Any

from interlock.process.adoption import wait_for_strangers
from interlock.process.child import Child
from interlock.process.handover import Handover, environment
from interlock.process.nursery_process import NurseryProcess
from interlock.process.preparation import Preparation
from interlock.process.signals import Signals
from interlock.settings import Settings

_LOOK_SECONDS = 5.0
_DRAIN_SECONDS = 60.0
_HASTE_SECONDS = 2.0


class Fleet:
    """The children of one supervisor.

    Args:
        stages: Groups of parts, in the order in which they are drained. All of a group stop before the next is told to.
        nursery: Starts them.
        preparation: What comes before them.
    """

    def __init__(self, stages: Sequence[Sequence[Child]], nursery: NurseryProcess, preparation: Preparation) -> None:
        self._stages, self._nursery, self._preparation = stages, nursery, preparation

    @property
    def children(self) -> list[Child]:
        return [child for stage in self._stages for child in stage]

    def prepare(self) -> str | None:
        """Bring the store up to date. Returns the administrator's key if there was none.

        Raises:
            HomeError: The store cannot be used.
        """
        return self._preparation.prepare(self._nursery.spawn)

    def start(self) -> None:
        # Whom callers wait for comes first: the gateways, then the API. Records wait in the spool for the rest.
        for child in sorted(self.children, key=_urgency):
            child.start(time.monotonic())

    def look(self) -> bool:
        """Restart who died. Returns whether anything changed."""
        now = time.monotonic()
        changed = [child.look(now) for child in self.children]
        for child, new in zip(self.children, changed, strict=True):
            if new and child.state == "waiting":
                print(f"interlock: {child.name} ended ({_spell(child.last_exit)}), restarts soon", file=sys.stderr)
        self._nursery.look()
        wait_for_strangers({pid for pid in (self._nursery.pid, *(child.pid for child in self.children)) if pid})
        return any(changed)

    def next_look_seconds(self) -> float:
        """How long nothing needs to be done unless a signal arrives."""
        appointments = [child.restart_at for child in self.children if child.restart_at is not None]
        return min([_LOOK_SECONDS, *(at - time.monotonic() for at in appointments)])

    def drain(self, signals: Signals) -> None:
        """Stop everything in order. A further stop signal, or a part that takes too long, hastens."""
        hasten_at = signals.stops + 1
        for stage in self._stages:
            for child in stage:
                child.signal(signal.SIGTERM)
            _await(stage, signals, hasten_at, time.monotonic() + _DRAIN_SECONDS)
            if signals.stops >= hasten_at:
                break
        for child in self.children:
            child.signal(signal.SIGTERM)
        _await(self.children, signals, hasten_at + 1, time.monotonic() + _HASTE_SECONDS)
        for child in self.children:
            child.signal(signal.SIGKILL)
        _await(self.children, signals, sys.maxsize, time.monotonic() + _HASTE_SECONDS)

    def kill(self) -> None:
        """Stop everything at once. What was acknowledged is on disk already."""
        for child in self.children:
            child.signal(signal.SIGKILL)

    def describe(self) -> list[dict[str, Any]]:
        """State of every part, for `status` and `doctor`."""
        return [child.describe() for child in self.children]


def muster(settings: Settings, gateway: socket, control: socket, stack: ExitStack) -> Fleet:
    """Prepare every part of a server; none is started yet. The lifeline is cut when `stack` closes."""
    lifeline, held = os.pipe2(os.O_CLOEXEC)
    stack.callback(os.close, held)
    stack.callback(os.close, lifeline)
    preparation = Preparation(lifeline)
    stack.callback(preparation.close)
    descriptors = (lifeline, gateway.fileno(), control.fileno(), preparation.descriptor)
    nursery = NurseryProcess(environment(settings), descriptors)
    stack.callback(nursery.close)
    nursery.start()

    def child(name: str, listener: socket | None = None) -> Child:
        return Child(Handover(name, os.getpid(), lifeline, listener.fileno() if listener else None), nursery.spawn)

    gateways = [child(f"gw{slot}", gateway) for slot in range(settings.workers)]
    devices = [child("telemetry")] if settings.mqtt_url else []
    stages = [
        [child("api", control), child("controller"), child("scorer")], [*gateways, *devices], [child("collector")],
    ]  # fmt: skip
    return Fleet(stages, nursery, preparation)


def _urgency(child: Child) -> int:
    if child.handover.socket is None:
        return 2
    return 1 if child.name == "api" else 0


def _await(children: Sequence[Child], signals: Signals, hasten_at: int, deadline: float) -> None:
    while not all([child.ended() for child in children]):  # a list: each must be asked
        remaining = deadline - time.monotonic()
        if remaining <= 0 or signals.stops >= hasten_at:
            return
        signals.wait(remaining)


def _spell(code: int | None) -> str:
    if code is not None and code < 0:
        return f"signal {-code}"
    return f"exit code {code}"
