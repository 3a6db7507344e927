"""Encoded images become pixels, by Pillow (extra `images`), once.

Called by the gateway for what callers send, by the registry for reference data, by the collector for descriptors, and
by paired scoring. Bytes of strangers: sizes are bounded by the file's head before anything is decoded, only PNG and
JPEG are opened, and whatever is wrong with a file is one sentence.

What becomes of a file, in this order: it is turned as its EXIF data say; of a JPEG that holds several pictures the
first is taken; 16 bits of grey become their upper 8; transparency is dropped (what lies under it shows, as with
Pillow's own `convert("RGB")`); colour becomes grey by ITU-R 601, grey becomes colour by repeating it; at last it is
stretched to the field's shape, if the contract says so.
"""

import struct
from collections.abc import Iterable, Iterator
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain import ragged
from interlock.domain.contract import Field, Image, spell_shape
from interlock.domain.errors import UnloadableModelError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Pixels = NDArray[np.uint8]
"""Shape (height, width, channels)."""

_PLAIN = ("1", "L", "LA", "RGB", "RGBA")
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_PLUGINS = {"png": ("PIL.PngImagePlugin", "PngImageFile"), "jpeg": ("PIL.JpegImagePlugin", "JpegImageFile")}
_PNG = b"\x89PNG\r\n\x1a\n"
_PIXEL_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"eXIf")
_GREY = (0, 4)  # colour types of PNG: grey, and grey with transparency

_ORIENTATION = 0x0112
_TURNED = (5, 6, 7, 8)

# Each scan of a progressive JPEG costs as much as a whole picture; encoders make some ten.
_SCAN = b"\xff\xda"
_MOST_SCANS = 64


class UnreadableImageError(ValueError):
    """An image breaks a rule: the sentence goes after the name of its field."""


def check_head(data: bytes, rule: Image) -> tuple[int, int, int]:
    """Check an encoded image as far as its head tells, without decoding it.

    Returns:
        Height, width and channels (1 for grey, else 3) that it will have. Of a PNG with an orientation, height and
        width are as stored.

    Raises:
        UnreadableImageError: It is too large, of another format, animated, or no image.
    """
    if len(data) > rule.max_bytes:
        raise UnreadableImageError(f"has {len(data)} bytes, must have at most {rule.max_bytes}")
    if _known_format(data, rule) == "png":
        height, width, channels, frames = _png_head(data)
        if frames > 1:
            raise UnreadableImageError("is animated, must be one still picture")
    else:
        height, width, channels = _jpeg_head(data, rule)
    if height * width > rule.max_pixels:
        raise UnreadableImageError(f"has {width} x {height} pixels, must have at most {rule.max_pixels}")
    return height, width, channels


def _png_head(data: bytes) -> tuple[int, int, int, int]:
    """Height, width, channels and frames, without Pillow, which would unpack every text in the head."""
    chunks = dict(_chunks(data, until=b"IDAT"))
    head = chunks.get(b"IHDR", b"")
    if len(head) != 13:
        raise UnreadableImageError("is cut off or damaged: it has no head")
    width, height, _, colour_type = struct.unpack_from(">IIBB", head)
    animation = chunks.get(b"acTL", b"")
    frames = struct.unpack_from(">I", animation)[0] if len(animation) >= 4 else 1
    return height, width, 1 if colour_type in _GREY else 3, frames


def _jpeg_head(data: bytes, rule: Image) -> tuple[int, int, int]:
    if data.count(_SCAN) > _MOST_SCANS:
        raise UnreadableImageError(f"is a JPEG of {data.count(_SCAN)} scans, must have at most {_MOST_SCANS}")
    picture = _open(data, rule)
    width, height = picture.size
    if _orientation(picture) in _TURNED:  # that of a PNG is known only when it is decoded
        height, width = width, height
    return height, width, _channels(picture)


def _chunks(data: bytes, *, until: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of the chunks of a PNG up to one of the kind `until`, or to where the file ends."""
    at = len(_PNG)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, end = data[at + 4 : at + 8], at + 12 + length
        if kind == until or end > len(data):
            return
        yield kind, data[at + 8 : end - 4]
        at = end


def _pixels_only(data: bytes) -> bytes:
    """A PNG with nothing but what makes its pixels: texts and profiles may unpack to many times their size."""
    found, at = [_PNG], len(_PNG)
    while at + 12 <= len(data):
        end = at + 12 + struct.unpack_from(">I", data, at)[0]
        if data[at + 4 : at + 8] in _PIXEL_CHUNKS:
            found.append(data[at:end])
        at = end
    return b"".join(found)


def decode(data: bytes, rule: Image, channels: int | None) -> Pixels:
    """Decode an encoded image. Its head must have been checked before.

    Args:
        data: The file.
        rule: Which formats are opened.
        channels: 1, 3 or 4; None for as many as it has: 1 if it is grey, else 3.

    Raises:
        UnreadableImageError: It is cut off or damaged.
    """
    picture = _open(data, rule)
    try:
        picture.load()
    except Exception as error:  # whatever a decoder meets in a broken file
        raise UnreadableImageError(f"is cut off or damaged: {_first_line(error)}") from error
    return to_pixels(_upright(picture), channels or _channels(picture))


def fit(pixels: Pixels, field: Field) -> Pixels:
    """Bring an image to the shape of its field.

    Raises:
        UnreadableImageError: It has another size, and the contract does not say how to change that.
    """
    height, width, _ = field.shape
    if all(want in (-1, have) for want, have in zip(field.shape, pixels.shape, strict=True)):
        return pixels
    rule = field.image
    if rule is None or rule.resize is None or -1 in (height, width) or pixels.shape[2] != field.shape[2]:
        have, want = spell_shape(pixels.shape), spell_shape(field.shape)
        raise UnreadableImageError(f"has the shape {have}, must have {want} (height, width, channels)")
    pillow = _pillow()
    resampling = pillow.Resampling[rule.resize.upper()]
    resized = _picture(pixels).resize((width, height), resampling)
    return np.asarray(resized, dtype=np.uint8).reshape(height, width, -1)


def column(files: Iterable[bytes], field: Field) -> NDArray[np.generic]:
    """Encoded images as the model of a field gets them: one array, or an array of arrays where their sizes differ.

    Raises:
        UnreadableImageError: One cannot be decoded, or has another size than the field.
    """
    rule = field.image or Image()
    found = [fit(decode(file, rule, field.shape[2]), field) for file in files]
    if not found:
        return np.empty((0, *(max(size, 0) for size in field.shape)), dtype=np.uint8)
    return ragged.column(found, np.dtype(np.uint8))


def to_pixels(picture: "Picture", channels: int) -> Pixels:
    """A picture of any mode as 8 bits a channel."""
    if picture.mode.startswith("I"):  # 16 bits of grey
        grey = np.clip(np.asarray(picture).astype(np.int64), 0, 0xFFFF) >> 8
        picture = _picture(grey.astype(np.uint8)[:, :, np.newaxis])
    elif picture.mode == "P" and "transparency" in picture.info:
        picture = picture.convert("RGBA")
    elif picture.mode not in _PLAIN:  # palettes, and the colours of print
        picture = picture.convert("RGB")
    mode = _MODES[channels]
    converted = picture if picture.mode == mode else picture.convert(mode)
    return np.asarray(converted, dtype=np.uint8).reshape(converted.height, converted.width, channels)


def encode_png(pixels: Pixels) -> bytes:
    """Pixels as a PNG file, without loss."""
    buffer = BytesIO()
    _picture(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def format_of(data: bytes) -> str | None:
    """`png`, `jpeg`, or None for anything else, by its first bytes."""
    if data.startswith(_PNG):
        return "png"
    return "jpeg" if data.startswith(b"\xff\xd8\xff") else None


def _pillow() -> Any:
    try:
        return import_module("PIL.Image")
    except ImportError as error:
        raise UnloadableModelError("images need Pillow; install it with: pip install 'interlock[images]'") from error


def require_pillow() -> None:
    """Raises UnloadableModelError if Pillow is not installed, and says how to get it."""
    _pillow()


def _known_format(data: bytes, rule: Image) -> str:
    found = format_of(data)
    if found not in rule.formats:
        wanted = " or ".join(known.upper() for known in rule.formats)
        raise UnreadableImageError(f"is {'no image' if found is None else f'a {found.upper()}'}, must be {wanted}")
    return found


def _open(data: bytes, rule: Image) -> "Picture":
    found = _known_format(data, rule)
    _pillow()
    module, name = _PLUGINS[found]
    # The format's own class: Image.open would try others, and judge sizes by a limit of its own.
    opener = getattr(import_module(module), name)
    try:
        picture: Picture = opener(BytesIO(_pixels_only(data) if found == "png" else data))
    except Exception as error:  # whatever a parser meets in a broken file
        raise UnreadableImageError(f"is cut off or damaged: {_first_line(error)}") from error
    return picture


def _channels(picture: "Picture") -> int:
    return 1 if picture.mode.startswith(("1", "L", "I")) else 3


def _orientation(picture: "Picture") -> int:
    try:
        return int(picture.getexif().get(_ORIENTATION, 1))
    except Exception:  # EXIF data that cannot be read turn nothing
        return 1


def _upright(picture: "Picture") -> "Picture":
    turn = {
        2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_270",
        7: "TRANSVERSE", 8: "ROTATE_90",
    }.get(_orientation(picture))  # fmt: skip
    return picture if turn is None else picture.transpose(_pillow().Transpose[turn])


def _picture(pixels: Pixels) -> "Picture":
    picture: Picture = _pillow().fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    return picture


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0][:120] if text else type(error).__name__
