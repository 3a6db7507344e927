"""The digest that a source would be stored under, computed where the source is.

It says whether a version with this content is registered already, before anything is sent.
"""

import hashlib
import tarfile
import tempfile
from pathlib import Path

import msgspec

from interlock.client.source import Source
from interlock.client.uploading import write_code
from interlock.domain.errors import InvalidInputError
from interlock.registry.artifacts import digest_of
from interlock.runtimes.remote_address import RemoteAddress


def source_digest(source: Source, token_env: str | None = None) -> str:
    """SHA-256 (hex) of what the registry would store.

    Args:
        source: A source, resolved.
        token_env: Of a model on another server: it is part of what is stored.

    Raises:
        InvalidInputError: It cannot be read.
    """
    if source.url:
        return hashlib.sha256(msgspec.json.encode(RemoteAddress(url=source.url, token_env=token_env))).hexdigest()
    with tempfile.TemporaryDirectory(prefix="interlock-digest-") as folder:
        if source.upload is None:
            return digest_of(Path(folder))
        try:
            return _of_code(source.upload, Path(folder)) if source.entry else digest_of(source.upload)
        except OSError as error:
            raise InvalidInputError(f"{source.upload} cannot be read: {error.strerror or error}") from error


def _of_code(code: Path, folder: Path) -> str:
    """Of code as it arrives: without caches and the like."""
    with tempfile.TemporaryFile() as archive:
        write_code(code, archive)
        archive.seek(0)
        with tarfile.open(fileobj=archive, mode="r:") as tar:
            tar.extractall(folder, filter="data")
    return digest_of(folder)
