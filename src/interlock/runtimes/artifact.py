"""Stored artifacts, checked before anything reads them.

Called by every loader and by the registry's store. It refuses a file whose content is not what its name says, and
archive members that would land outside their folder.
"""

import hashlib
import tarfile
from pathlib import Path, PurePosixPath

from interlock.domain.errors import UnloadableModelError

_CHUNK_BYTES = 1 << 20


def sha256_of(path: Path) -> str:
    """SHA-256 (hex) of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def verified(artifacts: Path, digest: str) -> Path:
    """The path of a stored artifact, after reading all of it.

    Raises:
        UnloadableModelError: It is not there, or its content is not what was registered.
    """
    path = artifacts / digest
    try:
        found = sha256_of(path)
    except FileNotFoundError:
        raise UnloadableModelError(f"artifact {digest} is missing from {artifacts}; register the model again") from None
    except OSError as error:
        raise UnloadableModelError(f"artifact {digest} cannot be read: {error.strerror}") from error
    if found != digest:
        raise UnloadableModelError(
            f"artifact {digest} is damaged: its SHA-256 is now {found}; restore it from a backup or register it again"
        )
    return path


def unpack(archive: Path, folder: Path) -> None:
    """Write the files of a stored folder below `folder`.

    Raises:
        UnloadableModelError: The archive is none, or a member is a link, a device or leads outside.
    """
    try:
        with tarfile.open(archive, "r:") as tar:
            for member in tar:
                _write(tar, member, folder)
    except tarfile.TarError as error:
        raise UnloadableModelError(f"artifact {archive.name} is no archive of a model folder: {error}") from error


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    name = PurePosixPath(member.name)
    content = tar.extractfile(member) if member.isreg() else None
    if content is None or name.is_absolute() or ".." in name.parts:
        raise UnloadableModelError(f"archive member {member.name!r} must be a plain file inside the model folder")
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with content, target.open("wb") as file:
        while chunk := content.read(_CHUNK_BYTES):
            file.write(chunk)
