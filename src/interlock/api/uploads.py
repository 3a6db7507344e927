"""Uploads: bytes come first, raw and streamed to the staging folder; a second request says what they are.

So no client names a path that the server opens, and nothing needs multipart. What is not used is removed when the
server starts again.
"""

import shutil
import tarfile
import uuid
from collections.abc import AsyncIterator
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool

from interlock.api.access import GuardedRoute, needs
from interlock.api.edge import UPLOAD_BYTES
from interlock.domain.errors import InvalidInputError, NotFoundError

router = APIRouter(prefix="/uploads", tags=["uploads"], route_class=GuardedRoute)

Kind = Literal["file", "folder"]
_MAX_MEMBERS = 10_000


class Staging:
    """Uploaded files and folders, each under an id of its own.

    Args:
        root: The folder that holds them.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    async def receive(self, name: str, kind: Kind, chunks: AsyncIterator[bytes]) -> str:
        """Keep an upload.

        Returns:
            Its id.

        Raises:
            InvalidInputError: The name is not that of a file, or a folder did not come as an uncompressed tar.
        """
        upload = uuid.uuid4().hex
        folder = self._root / upload
        target = folder / _safe(name)
        folder.mkdir(parents=True, mode=0o700)
        try:
            await _write(folder / ".body", chunks)
            if kind == "file":
                (folder / ".body").rename(target)
            else:
                await run_in_threadpool(_unpack, folder / ".body", target)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return upload

    def find(self, upload: str) -> Path:
        """The file or folder that was uploaded.

        Raises:
            NotFoundError: There is none of that id.
        """
        if len(upload) == 32 and upload.isalnum() and (self._root / upload).is_dir():
            return next((self._root / upload).iterdir())
        raise NotFoundError("upload", upload[:64])

    def discard(self, upload: str) -> None:
        """Remove an upload that was used, or is of no use."""
        if upload.isalnum():
            shutil.rmtree(self._root / upload, ignore_errors=True)


@router.post("", status_code=201, **needs("operate"))
async def upload(
    request: Request,
    name: Annotated[str, Query(description="file or folder name; its ending says the format")],
    kind: Annotated[Kind, Query(description="a folder comes as an uncompressed tar of its content")] = "file",
) -> dict[str, Any]:
    """Send the bytes of a model or of reference data as the raw body."""
    staging: Staging = request.app.state.services.staging
    return {"id": await staging.receive(name, kind, request.stream())}


def _safe(name: str) -> str:
    plain = PurePosixPath(name).name
    if plain != name or name in ("", ".", "..", ".body") or "\0" in name or len(name.encode()) > 200:
        raise InvalidInputError(f"name == {name[:200]!r}, must be the plain name of a file or folder")
    return name


async def _write(path: Path, chunks: AsyncIterator[bytes]) -> None:
    with path.open("xb") as file:
        async for chunk in chunks:
            await run_in_threadpool(file.write, chunk)


def _unpack(archive: Path, target: Path) -> None:
    try:
        with tarfile.open(archive, mode="r:") as tar:
            members = tar.getmembers()
            if any(not (member.isfile() or member.isdir()) for member in members):
                raise InvalidInputError("the folder holds links or devices; send plain files only")
            if len(members) > _MAX_MEMBERS or sum(member.size for member in members) > UPLOAD_BYTES:
                raise InvalidInputError(f"the folder holds more than {_MAX_MEMBERS} files or {UPLOAD_BYTES} bytes")
            target.mkdir()
            tar.extractall(target, filter="data")
    except tarfile.TarError as error:
        raise InvalidInputError(f"the body is not a tar archive of plain files: {error}") from error
    archive.unlink()
