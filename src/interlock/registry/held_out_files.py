"""Held-out files that the server keeps, by name: rows for application tests that nobody has to send again.

They are uploaded, so no client names a path. A file that is sent again under its name takes its place; a release pins
the content that it started with.
"""

import os
import re
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from interlock.domain.access import Key
from interlock.domain.errors import InvalidInputError
from interlock.runtimes.artifact import sha256_of
from interlock.store.database import Store

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_SUFFIXES = (".csv", ".parquet", ".json", ".jsonl")


class HeldOutFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file. `sha256`: of its content; `kept_at`: when it was sent."""

    name: str
    bytes: int
    sha256: str
    kept_at: datetime


class HeldOutFiles:
    """The files of one server.

    Args:
        root: Their folder.
        store: For the audit log.
        clock: Aware UTC.
    """

    def __init__(self, root: Path, store: Store, clock: Callable[[], datetime]) -> None:
        self._root, self._store, self._clock = root, store, clock

    def keep(self, file: Path, actor: Key) -> HeldOutFile:
        """Take a copy of a file, under its name.

        Raises:
            InvalidInputError: Its name is none that a plan can give.
        """
        if not file.is_file() or not _NAME.fullmatch(file.name) or file.suffix not in _SUFFIXES:
            raise InvalidInputError(
                f"name == {file.name[:128]!r}, must be letters, digits, '.', '_' and '-', and end in "
                f"{', '.join(_SUFFIXES)}"
            )
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self._root / f".{file.name}.partial"
        shutil.copyfile(file, draft)
        os.replace(draft, self._root / file.name)
        found = self._describe(self._root / file.name)
        details = {"file": found.name, "sha256": found.sha256, "bytes": found.bytes}
        with self._store.transaction() as tx:
            tx.audit.append(self._clock(), actor.name, actor.role, "held_out.keep", found.name, details)
        return found

    def list(self) -> list[HeldOutFile]:
        """All, by name."""
        files = sorted(self._root.iterdir()) if self._root.is_dir() else []
        return [self._describe(file) for file in files if _NAME.fullmatch(file.name)]

    def find(self, name: str) -> Path:
        """Where a file is.

        Raises:
            InvalidInputError: There is none of that name.
        """
        if _NAME.fullmatch(name) and (self._root / name).is_file():
            return self._root / name
        there = ", ".join(file.name for file in self.list()) or "none"
        raise InvalidInputError(
            f"test_data.file == {name[:128]!r}: the server keeps no held-out file of that name (it has: {there}); send "
            "it with `interlock model held-out FILE`"
        )

    def sha256(self, name: str) -> str:
        """SHA-256 (hex) of a file's content.

        Raises:
            InvalidInputError: There is none of that name.
        """
        return sha256_of(self.find(name))

    def _describe(self, file: Path) -> HeldOutFile:
        stat = file.stat()
        at = datetime.fromtimestamp(stat.st_mtime, self._clock().tzinfo)
        return HeldOutFile(name=file.name, bytes=stat.st_size, sha256=sha256_of(file), kept_at=at)
