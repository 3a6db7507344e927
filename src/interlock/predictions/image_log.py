"""Where logged images go: files named by their content, beside the tables; the tables hold their names and descriptors.

Files, and not a column of bytes: rows stay small for whoever reads numbers, compaction does not copy pictures again and
again, the same picture is stored once, and any program can open it. A file is written before the row that names it is
committed, under a name that says its content, so that doing it again changes nothing.

    HOME/log/images/ENDPOINT/ab/ab34...ef.jpeg      input.photo = 'ab/ab34...ef.jpeg'

Called by the collector, which also decodes each image once more to describe it: that takes milliseconds, and here no
caller waits for them. Read by paired scoring. Whoever deletes rows for good sweeps their images.
"""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from interlock.domain import image_file
from interlock.domain.contract import Image
from interlock.domain.errors import InvalidInputError, UnloadableModelError
from interlock.domain.image_file import Pixels, UnreadableImageError
from interlock.domain.traffic import position
from interlock.predictions import segments
from interlock.predictions.parts import LoggedImage
from interlock.stats import image_descriptors

# Which images are kept is drawn by the prediction's id, so that doing it again keeps the same ones.
_SALT = "images"

# Longer than any row waits for its commit.
_GRACE_SECONDS = 3600.0

# What the gateway let in is decoded here whatever its limits were.
_ANY = Image()


class ImageLog:
    """Images below one folder.

    Args:
        root: Root of the prediction log.
    """

    def __init__(self, root: Path) -> None:
        self._root = root / "images"

    def folder(self, endpoint: str) -> Path:
        """Where the images of an endpoint are."""
        return self._root / endpoint

    def columns(
        self, endpoint: str, name: str, images: Sequence[LoggedImage | None], ids: Sequence[str]
    ) -> dict[str, pa.Array]:
        """Keep what is to be kept, and describe all.

        Args:
            endpoint: Whose.
            name: `input.<name>`.
            images: One a row.
            ids: Prediction ids of the rows.

        Returns:
            The file's name by `name`, null where it is not kept, and the descriptors by `name.<descriptor>`.
        """
        files: list[str | None] = []
        described: list[dict[str, float]] = []
        for image, id in zip(images, ids, strict=True):
            kept = image is not None and position(_SALT, id) < image.share
            files.append(self._write(endpoint, image) if image is not None and kept else None)
            described.append({} if image is None else describe_image(image.content))
        columns = {name: pa.array(files, pa.string())}
        for descriptor in image_descriptors.NAMES:
            kind = pa.int64() if descriptor in ("width", "height") else pa.float64()
            columns[f"{name}.{descriptor}"] = pa.array([one.get(descriptor) for one in described], kind)
        return columns

    def read(self, endpoint: str, file: str) -> bytes:
        """The content of a kept image.

        Raises:
            InvalidInputError: The name is none, the file has gone, or does not have the content that its name says.
        """
        digest = Path(file).stem
        if file != f"{digest[:2]}/{digest}{Path(file).suffix}" or not digest.isalnum():
            raise InvalidInputError(f"image == {file[:100]!r}, must be a name like 'ab/ab34.png'")
        try:
            content = (self.folder(endpoint) / file).read_bytes()
        except OSError as error:
            raise InvalidInputError(f"image {file} cannot be read: {error.strerror}") from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise InvalidInputError(f"image {file} is damaged: it does not have the content that its name says")
        return content

    def sweep(self, endpoint: str, named: Collection[str], now_seconds: float) -> int:
        """Remove images that no row names any more.

        Args:
            endpoint: Whose.
            named: What its rows name, in every version of the table that may still be read.
            now_seconds: Seconds since 1970. Files of the last hour stay: their rows may not be committed yet.

        Returns:
            How many were removed.
        """
        folder = self.folder(endpoint)
        gone = [path for path in folder.glob("*/*") if str(path.relative_to(folder)) not in named]
        old = [path for path in gone if path.stat().st_mtime < now_seconds - _GRACE_SECONDS]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def _write(self, endpoint: str, image: LoggedImage) -> str:
        content = image.content if isinstance(image.content, bytes) else image_file.encode_png(_pixels(image.content))
        digest = hashlib.sha256(content).hexdigest()
        file = f"{digest[:2]}/{digest}.{image_file.format_of(content)}"
        path = self.folder(endpoint) / file
        if path.exists() and path.stat().st_size == len(content):
            os.utime(path)  # a row is about to name it once more
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, draft = tempfile.mkstemp(prefix=".", dir=path.parent)
            try:
                with os.fdopen(descriptor, "wb") as out:
                    out.write(content)
                    out.flush()
                    os.fsync(out.fileno())
                os.replace(draft, path)
                # Before the spool lets go of the record, the name must be on the disk as well.
                segments.sync_folder(path.parent)
                segments.sync_folder(path.parent.parent)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(draft)
                raise
        return file


def describe_image(content: bytes | list[Any]) -> dict[str, float]:
    """Descriptors of an image as a record has it; none of one that cannot be decoded here, though the gateway could."""
    try:
        pixels = image_file.decode(content, _ANY, 3) if isinstance(content, bytes) else _pixels(content)
    except (UnreadableImageError, UnloadableModelError):
        return {}
    return image_descriptors.describe(pixels).to_dict()


def _pixels(content: list[Any]) -> Pixels:
    height, width, channels, data = content
    return np.frombuffer(data, dtype=np.uint8).reshape(height, width, channels)
