"""Virtual environments of the peers, each with its own packages, kept in a cache folder outside the repository.

A peer is installed once and again when its requirements change. One that cannot be installed is reported with pip's own
words; it is never left out silently.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_ASK = """
import json, sys
from importlib.metadata import version
print(json.dumps({name: version(name) for name in sys.argv[1:]}))
"""


class NotInstalledError(Exception):
    """A peer's packages cannot be installed, and why."""


@dataclass(frozen=True)
class Environment:
    """An interpreter with a peer's packages.

    Args:
        python: The interpreter.
        versions: Installed version by package, of those that the peer names.
    """

    python: Path
    versions: dict[str, str]

    @property
    def scripts(self) -> Path:
        """Folder of the environment's commands."""
        return self.python.parent


def cache_folder() -> Path:
    """Where environments are kept: $INTERLOCK_BENCH_CACHE, or `~/.cache/interlock-bench`."""
    given = os.environ.get("INTERLOCK_BENCH_CACHE")
    return Path(given) if given else Path.home() / ".cache" / "interlock-bench"


def own_environment(packages: Sequence[str]) -> Environment:
    """The environment that runs this script."""
    python = Path(sys.executable)
    return Environment(python, _versions(python, packages))


def install(name: str, requirements: Sequence[str]) -> Environment:
    """The environment of a peer, made now if it is not there.

    Args:
        name: Of the peer; names the folder.
        requirements: As pip takes them; the names in it are those whose versions are told.

    Raises:
        NotInstalledError: pip failed.
    """
    digest = hashlib.sha256(json.dumps([PYTHON, *requirements]).encode()).hexdigest()[:12]
    folder = cache_folder() / f"{name}-{digest}"
    python, stamp = folder / "bin" / "python", folder / ".installed"
    if not stamp.exists():
        print(f"installing {name} into {folder} ...", file=sys.stderr)
        _run(name, [sys.executable, "-m", "venv", "--clear", str(folder)])
        quiet = ["--quiet", "--disable-pip-version-check", "--progress-bar", "off"]
        _run(name, [str(python), "-m", "pip", "install", *quiet, *requirements])
        stamp.touch()
    return Environment(python, _versions(python, [name_of(requirement) for requirement in requirements]))


def name_of(requirement: str) -> str:
    """The package that a requirement names.

    Examples:
        >>> name_of("ray[serve]>=2.9"), name_of("uvloop<0.22")
        ('ray', 'uvloop')
    """
    for sign in "[<>=!~; ":
        requirement = requirement.partition(sign)[0]
    return requirement


def _run(name: str, command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        errors = [line for line in lines if line.upper().startswith("ERROR")] or lines
        raise NotInstalledError(f"{name} cannot be installed: {' '.join(errors[-2:])[:400]}")


def _versions(python: Path, packages: Sequence[str]) -> dict[str, str]:
    done = subprocess.run([str(python), "-c", _ASK, *packages], capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found
