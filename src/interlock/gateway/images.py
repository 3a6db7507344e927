"""Images of one column: encoded files or pixels in, pixels of the declared shape out.

Two steps, because decoding takes milliseconds. `read`, called by `columns` in the place of a `FieldReader`, looks at
the heads of files and refuses what breaks a limit; `ImageDecoding` then decodes what was read, in the event loop if
that is quick, else in a thread (Pillow lets go of the interpreter meanwhile). The pixels of all requests under way are
bounded, or a few kilobytes of cleverly packed PNG could take all memory.
"""

import asyncio
import binascii
import weakref
from base64 import b64decode
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import prod
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from interlock.domain import image_file
from interlock.domain.contract import MOST_PIXELS, Field, Image, spell_shape
from interlock.domain.errors import InvalidInputError, OverloadedError
from interlock.domain.image_file import Pixels, UnreadableImageError
from interlock.gateway.faults import Faults, shown
from interlock.gateway.shapes import shape_fault
from interlock.gateway.tensors import Tensor

Given: TypeAlias = bytes | Pixels
"""An image as its caller sent it: an encoded file, or pixels."""


@dataclass(frozen=True, slots=True)
class Undecoded:
    """Images of one field and request, checked as far as their heads tell, and how many pixels decoding will make."""

    images: list[Given]
    pixels: int


# Some 200 x 200: half a millisecond for a PNG. More is decoded in the thread, whose detour costs a tenth of that.
_PIXELS_IN_LOOP = 40_000

# Of all requests under way in this worker.
_MOST_PIXELS_AT_ONCE = 3 * MOST_PIXELS


class ImageReader:
    """Reads one field of images.

    Args:
        field: With an `image`.

    Raises:
        UnloadableModelError: Pillow is not installed.
    """

    __slots__ = ("_channels", "_rule", "field")

    def __init__(self, field: Field) -> None:
        image_file.require_pillow()
        self.field, self._rule = field, field.image or Image()
        self._channels = field.shape[2]

    may_be_absent = False

    def read(self, tensor: Tensor, faults: Faults) -> Undecoded | None:
        """The images, or None and one or more faults."""
        values = tensor.values
        are_files = tensor.datatype == "BYTES" or (
            tensor.datatype is None and len(values) > 0 and type(values[0]) in (str, bytes)
        )
        before = faults.count
        given = self._files(tensor, faults) if are_files else self._pixels(tensor, faults)
        return given if faults.count == before else None

    def _files(self, tensor: Tensor, faults: Faults) -> Undecoded | None:
        name, shape = self.field.name, tensor.shape
        if len(shape) != 1 and list(shape[1:]) != [1]:
            faults.add(f"{name}: shape == {list(shape)}, must be [rows] or [rows, 1] for encoded images", "shape", name)
            return None
        files: list[Given] = []
        cost = 0
        for at, value in enumerate(tensor.values):
            try:
                file = _bytes(value)
                height, width, _ = image_file.check_head(file, self._rule)
                cost += height * width
                files.append(file)
            except UnreadableImageError as error:
                faults.add(f"{name}[{at}] {error}", "value", name)
                if faults.is_full:
                    break
        return Undecoded(files, cost)

    def _pixels(self, tensor: Tensor, faults: Faults) -> Undecoded | None:
        field, shape = self.field, tuple(tensor.shape)
        if tensor.datatype not in (None, "UINT8"):
            wanted = "BYTES (encoded images) or UINT8 (pixels)"
            faults.add(f"{field.name}: datatype == {shown(tensor.datatype)}, must be {wanted}", "datatype", field.name)
            return None
        if self._rule.resize is not None:  # any size will do
            field = _of_any_size(field)
        if (fault := shape_fault(field, shape)) is not None:
            faults.add(f"{fault}, or [rows] encoded images", "shape", field.name)
            return None
        if 0 in shape:
            faults.add(
                f"{field.name}: shape == {list(shape)}, an image must have at least one pixel", "shape", field.name
            )
        elif shape[1] * shape[2] > self._rule.max_pixels:
            size, most = f"{shape[2]} x {shape[1]}", self._rule.max_pixels
            faults.add(f"{field.name} has {size} pixels, must have at most {most}", "declared", field.name)
        pixels = _as_bytes(tensor.values)
        if pixels is None:
            faults.add(f"{field.name}: pixels must be whole numbers from 0 to 255", "value", field.name)
            return None
        return Undecoded(list(pixels.reshape(shape)), prod(shape[:3]))

    def missing(self, rows: int) -> NDArray[Any]:
        """There is no missing image: the contract never allows it."""
        raise InvalidInputError(f"input {shown(self.field.name)} is missing in {rows} row(s)")

    def join(self, given: Sequence[Any]) -> NDArray[Any]:
        """The column of a batch, from the decoded images of its requests. Those of one shape only."""
        joined: NDArray[Any] = given[0] if len(given) == 1 else np.concatenate(given)
        return joined

    def decode(self, given: Sequence[Given], faults: Faults) -> NDArray[np.uint8] | None:
        """Pixels in the field's shape, shape (rows, height, width, channels), or None and one or more faults."""
        field = self.field
        found: list[Pixels] = []
        for at, one in enumerate(given):
            try:
                pixels = image_file.decode(one, self._rule, self._channels) if isinstance(one, bytes) else one
                found.append(image_file.fit(pixels, field))
            except UnreadableImageError as error:
                faults.add(f"{field.name}[{at}] {error}", "value", field.name)
                if faults.is_full:
                    return None
        shapes = {pixels.shape for pixels in found}
        if len(shapes) > 1:
            listed = " and ".join(spell_shape(shape) for shape in sorted(shapes))
            faults.add(
                f"{field.name}: images of the shapes {listed} in one request, must be of one; send them apart, or have "
                "the contract resize them",
                "shape",
                field.name,
            )
        return None if faults else np.stack(found)


class UndecodedRows(Protocol):
    """Rows that hold images which nobody has decoded."""

    undecoded: dict[str, Undecoded] | None


class Decoder(Protocol):
    """What decodes the images of rows."""

    def decode(self, rows: Any) -> None:
        """Decode them in place, or raise InvalidInputError."""


class ImageDecoding:
    """Decodes the images of requests, of one worker."""

    def __init__(self) -> None:
        self._pixels = 0
        self._thread: ThreadPoolExecutor | None = None

    async def decode(self, rows: UndecodedRows, reader: Decoder) -> None:
        """Decode the images of rows, in place. Their pixels count as under way as long as the rows exist.

        Raises:
            InvalidInputError: An image is damaged, has the wrong size, or all of them are too many.
            OverloadedError: The images of other requests take all the room.
        """
        pixels = sum(images.pixels for images in (rows.undecoded or {}).values())
        if pixels > MOST_PIXELS:
            raise InvalidInputError(f"the images have {pixels} pixels, must have at most {MOST_PIXELS} in one request")
        if self._pixels + pixels > _MOST_PIXELS_AT_ONCE:
            raise OverloadedError(f"images of {self._pixels} pixels are under way already; try again later")
        self._pixels += pixels
        weakref.finalize(rows, self._release, pixels).atexit = False
        if pixels <= _PIXELS_IN_LOOP:
            reader.decode(rows)
            return
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "image-decoding")
        await asyncio.get_running_loop().run_in_executor(self._thread, reader.decode, rows)

    def _release(self, pixels: int) -> None:
        self._pixels -= pixels


def _of_any_size(field: Field) -> Field:
    return Field(name=field.name, datatype=field.datatype, shape=(-1, -1, field.shape[2]))


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        what = "missing" if value is None else f"== {shown(value)}"
        raise UnreadableImageError(f"is {what}, must be an encoded image (base64 in JSON)")
    try:
        return b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise UnreadableImageError(f"== {shown(value)}, must be an encoded image in base64") from None


def _as_bytes(values: list[Any] | NDArray[Any]) -> NDArray[np.uint8] | None:
    if isinstance(values, np.ndarray):
        return values.astype(np.uint8, copy=False) if values.dtype == np.uint8 else None
    try:
        return np.frombuffer(bytes(values), dtype=np.uint8)
    except (TypeError, ValueError):  # no whole numbers, or not of one byte
        return None
