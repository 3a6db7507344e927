"""What is measured: a server to start, and a model behind it to ask."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from benchmarks.serving.environments import Environment
from benchmarks.serving.models import Data


@dataclass(frozen=True)
class Target:
    """One model behind a server: where to post what.

    Args:
        server: As it is called in the tables.
        model: `LR` or `RF`; empty for a server without a model.
        url: Of the request.
        body: JSON of one row.
        headers: Besides the content type.
    """

    server: str
    model: str
    url: str
    body: str
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.server} {self.model}".strip()


@dataclass(frozen=True)
class Launch:
    """How to start a server, and what it then answers.

    Args:
        command: Runs in the foreground until SIGTERM.
        targets: The first is asked until it answers.
        environment: Variables besides the inherited ones.
        folder: Working folder.
        labels: Names of its processes by id, where it knows them.
    """

    command: Sequence[str]
    targets: Sequence[Target]
    environment: dict[str, str] = field(default_factory=dict)
    folder: Path | None = None
    labels: Callable[[], dict[int, str]] = dict


@dataclass(frozen=True)
class Workshop:
    """What a peer works with: its interpreter, a folder of its own, and the data."""

    environment: Environment
    folder: Path
    data: Data


class Peer(Protocol):
    """A system under test. One file each in `peers/`.

    Args:
        name: Of its environment, and for `--peers`.
        packages: What it needs, as pip takes it. Those of the environment that runs this are not installed again.
        installs: Whether it gets an environment of its own.
    """

    @property
    def name(self) -> str: ...

    @property
    def packages(self) -> tuple[str, ...]: ...

    @property
    def installs(self) -> bool: ...

    def prepare(self, shop: Workshop) -> None:
        """Make models and configuration, once."""

    def launches(self, shop: Workshop) -> list[Launch]:
        """Servers to start, one after the other, each with ports that are free now."""


def command(environment: Environment, *words: Any) -> list[str]:
    """Words for the environment's interpreter."""
    return [str(environment.python), *(str(word) for word in words)]
