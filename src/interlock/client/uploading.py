"""Sends a file, or a folder as a tar, from this machine to the server's staging."""

import re
import tarfile
import tempfile
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlencode

from interlock.client.transport import Transport, decode
from interlock.domain.errors import InvalidInputError

_ELSEWHERE = ("models:", "runs:", "python:", "http:", "https:")


def check_source(source: str | Path) -> None:
    """Tell addresses of models from files.

    Raises:
        InvalidInputError: It is an address, and no file is called so.
    """
    kind = next((start for start in _ELSEWHERE if str(source).startswith(start)), None)
    if kind is not None and not Path(source).exists():
        shown = re.sub("^(https?:)/+", r"\1//", str(source))  # a path makes one slash of two
        raise InvalidInputError(
            f"source == {shown!r}, sources that begin with {kind} are not supported yet; give a file or folder: "
            ".onnx, .skops, .pkl/.joblib with --trust-pickle, or an MLflow model folder"
        )


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


def _send(transport: Transport, name: str, kind: str, file: BinaryIO) -> str:
    length = file.seek(0, 2)
    file.seek(0)
    query = urlencode({"name": name, "kind": kind})
    return str(decode(transport.upload(f"/api/v1/uploads?{query}", file, length).body)["id"])
