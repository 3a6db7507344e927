"""Artifacts by the SHA-256 of their content.

Called by the registry to store what it registers. A folder is stored as a tar whose bytes depend on names and contents
only, so that the same folder has the same digest everywhere. A file is complete and on disk before its name exists.
"""

import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from interlock.domain.errors import InvalidInputError
from interlock.runtimes.artifact import sha256_of, verified


class ArtifactStore:
    """The folder of artifacts. Safe to use from several processes: every write is a rename."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, source: Path) -> str:
        """Store a file or a folder and return its digest. Storing it twice changes nothing."""
        if source.is_dir():
            return self._store(lambda file: _archive(source, file))
        return self._store(lambda file: _copy(source, file))

    def path(self, digest: str) -> Path:
        """Where an artifact is, or would be."""
        return self.root / digest

    def verify(self, digest: str) -> Path:
        """Its path, after reading all of it.

        Raises:
            UnloadableModelError: It is missing or damaged.
        """
        return verified(self.root, digest)

    def has(self, digest: str) -> bool:
        return self.path(digest).exists()

    def discard(self, digest: str) -> None:
        """Remove an artifact that no version refers to."""
        self.path(digest).unlink(missing_ok=True)

    def _store(self, write: Callable[[BinaryIO], None]) -> str:
        self.root.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".new-", dir=self.root)
        staged = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            digest = sha256_of(staged)
            staged.replace(self.path(digest))
        finally:
            staged.unlink(missing_ok=True)
        _sync_folder(self.root)
        return digest


def digest_of(source: Path) -> str:
    """The digest that a file or folder would be stored under.

    Raises:
        InvalidInputError: A folder holds links.
    """
    if source.is_file():
        return sha256_of(source)
    with tempfile.TemporaryDirectory(prefix="interlock-folder-") as folder:
        archive = Path(folder) / "archive"
        with archive.open("wb") as file:
            _archive(source, file)
        return sha256_of(archive)


def _copy(source: Path, file: BinaryIO) -> None:
    with source.open("rb") as content:
        shutil.copyfileobj(content, file)


def _archive(folder: Path, file: BinaryIO) -> None:
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(folder.rglob("*")):
            if path.is_symlink():
                raise InvalidInputError(f"{path} is a link; a model folder must hold plain files only")
            if path.is_file():
                member = tarfile.TarInfo(path.relative_to(folder).as_posix())
                member.size = path.stat().st_size
                member.mode = 0o644
                with path.open("rb") as content:
                    tar.addfile(member, content)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
