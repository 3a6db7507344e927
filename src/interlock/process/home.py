"""The home folder as a whole: made on first start, checked for its format, held by one supervisor at a time.

Called by the supervisor, and by commands that work on the folder directly (`key create`, `doctor`). It refuses a folder
that a newer Interlock wrote: reading half of what is there would be worse than stopping.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from interlock.domain.errors import HomeError
from interlock.settings import Settings

FORMAT = 1
"""Version of the folder's layout. Raised when an older Interlock could no longer read it."""


def prepare(settings: Settings) -> None:
    """Make the home folder, for its owner alone, or check the one that is there.

    Raises:
        HomeError: It cannot be made or written to, or a newer Interlock wrote it.
    """
    home = settings.home
    try:
        if not home.is_dir():
            home.mkdir(parents=True, mode=0o700)
        for folder in (settings.artifacts, settings.spools, settings.gateway_state, settings.log, settings.run):
            folder.mkdir(mode=0o700, exist_ok=True)
        if not (home / "format").exists():
            write_atomically(home / "format", f"{FORMAT}\n")
    except OSError as error:
        raise HomeError(f"home folder {home} cannot be used: {error.strerror}; choose another with --home") from error
    check_format(home)


def check_format(home: Path) -> None:
    """Check that this program understands the folder.

    Raises:
        HomeError: There is no home folder here, or a newer Interlock wrote it.
    """
    try:
        written = (home / "format").read_text().strip()
    except FileNotFoundError as error:
        raise HomeError(f"{home} is not an Interlock home folder; `interlock up --home {home}` makes it one") from error
    except OSError as error:
        raise HomeError(f"home folder {home} cannot be read: {error.strerror}") from error
    if not written.isdecimal():
        raise HomeError(f"{home / 'format'} holds {written[:20]!r}, must be a number; the folder is damaged")
    if int(written) > FORMAT:
        raise HomeError(
            f"home folder {home} has format {written}, this Interlock knows up to {FORMAT}; "
            "update Interlock, or choose another folder with --home"
        )


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold the folder; the system lets go of it when this process ends, however it ends.

    Raises:
        HomeError: Another supervisor holds it.
    """
    descriptor = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            raise HomeError(
                f"home folder {home} is in use by process {holder}; stop it, or choose another folder with --home"
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def write_atomically(path: Path, text: str) -> None:
    """Replace a small file so that a reader sees the old text or the new, never half of one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text)
    draft.chmod(0o600)
    draft.replace(path)
