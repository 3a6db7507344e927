"""What the supervisor hands to a part: its settings (environment), and the descriptors that it inherits (arguments)."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec

from interlock.settings import RUNNER_MEMORY, Settings

VARIABLE = "INTERLOCK_SETTINGS"


@dataclass(frozen=True, slots=True)
class Handover:
    """How a part is started.

    Args:
        name: `gw0`, `gw1`, ..., `collector`, `scorer`, `controller`, `api`, `telemetry`; `store` before them.
        parent_pid: The supervisor.
        lifeline: Descriptor that reads end-of-file when the supervisor is gone.
        socket: Descriptor of the listening socket, for parts that have one; of the answer, for `store`.
    """

    name: str
    parent_pid: int
    lifeline: int
    socket: int | None = None

    def arguments(self) -> list[str]:
        given = [self.name, "--parent", str(self.parent_pid), "--lifeline", str(self.lifeline)]
        return given if self.socket is None else [*given, "--socket", str(self.socket)]

    @property
    def descriptors(self) -> tuple[int, ...]:
        return (self.lifeline,) if self.socket is None else (self.lifeline, self.socket)

    @classmethod
    def parse(cls, arguments: Sequence[str]) -> "Handover":
        parser = argparse.ArgumentParser(prog="interlock.process.part", description="Started by `interlock up` only.")
        parser.add_argument("name")
        parser.add_argument("--parent", type=int, required=True)
        parser.add_argument("--lifeline", type=int, required=True)
        parser.add_argument("--socket", type=int)
        given = parser.parse_args(arguments)
        return cls(given.name, given.parent, given.lifeline, given.socket)


def environment(settings: Settings) -> dict[str, str]:
    """The environment of a part: the supervisor's without a user's key, plus the settings."""
    inherited = {name: value for name, value in os.environ.items() if name != "INTERLOCK_API_KEY"}
    return {**inherited, VARIABLE: encode(settings), RUNNER_MEMORY: str(settings.runner_memory_bytes)}


def encode(settings: Settings) -> str:
    """Settings as JSON."""
    return msgspec.json.encode(asdict(settings), enc_hook=str).decode()


def decode(text: str) -> Settings:
    """Settings from what `encode` wrote."""
    return msgspec.json.decode(text, type=Settings, dec_hook=_path)


def _path(kind: type, value: Any) -> Any:
    return Path(value) if kind is Path else value
