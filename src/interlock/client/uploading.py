"""Sends a file, or a folder as a tar, from this machine to the server's staging."""

import tarfile
import tempfile
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlencode

from interlock.client.transport import Transport, decode
from interlock.domain.errors import InvalidInputError

# What lies beside code and is none: caches, repositories, environments.
_NO_CODE = ("__pycache__", "node_modules", "venv")


def send(transport: Transport, path: Path) -> str:
    """Upload what is at `path`.

    Returns:
        The id of the upload.

    Raises:
        InvalidInputError: There is nothing there, or it cannot be read.
    """
    try:
        if not path.is_dir():
            with path.open("rb") as file:
                return _send(transport, path.name, "file", file)
        with tempfile.TemporaryFile() as archive:
            with tarfile.open(fileobj=archive, mode="w:") as tar:
                tar.add(path, arcname=".")
            return _send(transport, path.resolve().name, "folder", archive)
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror or error}") from error


def send_code(transport: Transport, path: Path) -> str:
    """Upload a module, a package, or a folder of them, as a folder that Python can import from.

    Returns:
        The id of the upload.

    Raises:
        InvalidInputError: It cannot be read.
    """
    try:
        with tempfile.TemporaryFile() as archive:
            write_code(path, archive)
            return _send(transport, "code", "folder", archive)
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror or error}") from error


def write_code(path: Path, archive: BinaryIO) -> None:
    """Write code as it is sent: without caches, repositories and environments that lie beside it."""
    is_root = path.is_dir() and not (path / "__init__.py").is_file()
    with tarfile.open(fileobj=archive, mode="w:") as tar:
        tar.add(path, arcname="." if is_root else path.name, filter=_code)


def _code(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    name = Path(member.name).name
    return None if name in _NO_CODE or (name.startswith(".") and name != ".") else member


def _send(transport: Transport, name: str, kind: str, file: BinaryIO) -> str:
    length = file.seek(0, 2)
    file.seek(0)
    query = urlencode({"name": name, "kind": kind})
    return str(decode(transport.upload(f"/api/v1/uploads?{query}", file, length).body)["id"])
