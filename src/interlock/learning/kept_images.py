"""Images that the log has kept, for whoever learns from rows that name them.

Called by the run's process, and by the trainer's. Rows carry the names of files, as the log does, so that they stay
small and equal images are seen to be equal; the files are read when somebody wants them.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from interlock.domain import image_file
from interlock.domain.contract import Contract, Field
from interlock.domain.errors import InvalidInputError
from interlock.domain.image_file import UnreadableImageError
from interlock.predictions.image_log import ImageLog

_MOST_BYTES = 64 * 1024 * 1024
_MOST_ROWS = 50_000


class KeptImages:
    """Kept images of one endpoint.

    Args:
        log: Root of the prediction log.
        endpoint: Whose.
        contract: Which of its inputs are images.
    """

    def __init__(self, log: Path, endpoint: str, contract: Contract) -> None:
        self._log, self._endpoint = ImageLog(log), endpoint
        self._fields = {field.name: field for field in fields(contract)}

    def read(self, file: str) -> bytes:
        """The file that was sent.

        Raises:
            InvalidInputError: It has gone, or is damaged.
        """
        return self._log.read(self._endpoint, file)

    def with_files(self, rows: pa.Table) -> pa.Table:
        """Rows with the files themselves in the place of their names.

        Args:
            rows: With the log's columns, `input.<name>`.

        Raises:
            InvalidInputError: One has gone, or is damaged.
        """
        for name in self._fields:
            at = rows.schema.get_field_index(f"input.{name}")
            files = pa.array((self.read(file) for file in rows.column(at).to_pylist()), pa.large_binary())
            rows = rows.set_column(at, f"input.{name}", files)
        return rows

    def pixels(self, name: str, files: Iterable[bytes]) -> NDArray[np.generic]:
        """Files as the model gets them.

        Returns:
            `uint8`, shape (n, height, width, channels); where sizes differ, an array of arrays.

        Raises:
            InvalidInputError: There is no such image, or one cannot be decoded.
        """
        if name not in self._fields:
            raise InvalidInputError(f"input {name!r} is no image; there is {', '.join(self._fields) or 'none'}")
        try:
            return image_file.column(files, self._fields[name])
        except UnreadableImageError as error:
            raise InvalidInputError(f"input {name!r}: an image {error}") from error


def fields(contract: Contract) -> tuple[Field, ...]:
    """The inputs that are images."""
    return tuple(field for field in contract.inputs if field.image is not None)


def rows_at_once(contract: Contract) -> int:
    """How many rows may be decoded at once without taking much memory.

    Examples:
        >>> from interlock.domain.contract import Image
        >>> photo = Field(name="photo", datatype="UINT8", shape=(224, 224, 3), image=Image())
        >>> rows_at_once(Contract(inputs=(photo,), outputs=()))
        445
    """
    bytes_each = sum(_bytes(field) for field in fields(contract))
    return max(1, min(_MOST_BYTES // bytes_each, _MOST_ROWS)) if bytes_each else _MOST_ROWS


def _bytes(field: Field) -> int:
    height, width, channels = field.shape
    if -1 in (height, width):
        return field.image.max_pixels * channels if field.image is not None else 0
    return height * width * channels
