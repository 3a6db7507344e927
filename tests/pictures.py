"""Pictures for tests: encoded by Pillow, or broken on purpose."""

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ORIENTATION = 0x0112


def pixels(height: int = 8, width: int = 6, channels: int = 3, seed: int = 0) -> NDArray[np.uint8]:
    """Noise."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


def encode(picture: NDArray[np.uint8] | Image.Image, form: str = "PNG", **options: Any) -> bytes:
    """A picture as a file."""
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture)
    buffer = BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def png(height: int = 8, width: int = 6, channels: int = 3, seed: int = 0) -> bytes:
    """Noise as a PNG file."""
    return encode(pixels(height, width, channels, seed))


def turned(orientation: int, form: str = "JPEG") -> bytes:
    """A picture that is dark but for one bright corner, stored so that EXIF must turn it."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    bright = np.zeros((16, 32, 3), dtype=np.uint8)
    bright[:8, :8] = 255
    options: dict[str, Any] = {"quality": 100} if form == "JPEG" else {}
    return encode(bright, form, exif=exif, **options)
