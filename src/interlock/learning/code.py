"""Which code trained: the git commit of its folder, whether files differ from it, and a digest of what was there."""

import hashlib
import subprocess
from pathlib import Path

from interlock.domain.run import CodeFacts
from interlock.runtimes.interpreter import environment

_GIT_SECONDS = 10.0


def code_facts(trainer: str, code: str | None) -> CodeFacts:
    """Look at the folder of a trainer's code; a ready-made trainer has none."""
    if code is None:
        return CodeFacts(trainer=trainer)
    folder = Path(code)
    commit = _git(folder, "rev-parse", "HEAD")
    changes = _git(folder, "status", "--porcelain", "--", ".") if commit is not None else None
    return CodeFacts(
        trainer=trainer,
        digest=digest(folder),
        commit=commit.strip() if commit is not None else None,
        dirty=bool(changes.strip()) if changes is not None else None,
    )


def digest(folder: Path) -> str:
    """SHA-256 (hex) over names and contents of the Python files below a folder."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        found.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return found.hexdigest()


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says; None where there is no git, or no repository."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            env=environment(None),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
