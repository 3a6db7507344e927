"""What an image looks like, in a few numbers: by these, images are watched for drift like any other column.

Called by the registry for reference images, and by the collector for those of callers. Brightness and the like are on
the scale of 8 bits, 0 to 255.
"""

from dataclasses import asdict, dataclass, fields

import numpy as np
from numpy.typing import NDArray

# Beyond this many pixels an image is averaged down first, to blocks of whole pixels: these figures tell how an image
# looks, and the time grows with the pixels.
_MOST_PIXELS = 512 * 512

# ITU-R BT.601
_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True, slots=True)
class ImageDescriptors:
    """Descriptors of one image.

    Args:
        brightness, contrast: Mean and standard deviation (RMS contrast) of the luma.
        sharpness: Variance of the luma's Laplacian, of large images after averaging; small for blurred ones. 0 for less
            than 3 x 3 pixels.
        width, height: In pixels, as the image is shown.
        aspect_ratio: Width by height.
        colourfulness: 0 for grey; above 80 for very colourful images.
        mean_r, mean_g, mean_b: Mean of each channel.
        entropy: Of the luma's 256 levels, in bits: 0 for one level, at most 8.
    """

    brightness: float
    contrast: float
    sharpness: float
    width: int
    height: int
    aspect_ratio: float
    colourfulness: float
    mean_r: float
    mean_g: float
    mean_b: float
    entropy: float

    def to_dict(self) -> dict[str, float]:
        """The descriptors by name."""
        return asdict(self)


NAMES = tuple(field.name for field in fields(ImageDescriptors))


def describe(pixels: NDArray[np.uint8]) -> ImageDescriptors:
    """Describe an image.

    Args:
        pixels: Shape (height, width, channels), with 1 (grey), 3 (red, green, blue) or 4 channels (the last one,
            transparency, is ignored).

    Raises:
        ValueError: The shape is another one, or there is no pixel.

    Examples:
        >>> checks = np.tile(np.array([[0, 255], [255, 0]], dtype=np.uint8), (4, 4))[:, :, np.newaxis]
        >>> found = describe(checks)
        >>> found.brightness, found.contrast, found.entropy, found.colourfulness
        (127.5, 127.5, 1.0, 0.0)

    References:
        Peli (1990), Contrast in complex images, doi:10.1364/JOSAA.7.002032.
        Pech-Pacheco et al. (2000), Diatom autofocusing in brightfield microscopy, doi:10.1109/ICPR.2000.903548.
        Hasler and Suesstrunk (2003), Measuring colorfulness in natural images, doi:10.1117/12.477378.
    """
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4) or pixels.size == 0:
        raise ValueError(f"shape == {pixels.shape}, must be (height, width, channels) with 1, 3 or 4 channels")
    height, width = pixels.shape[:2]
    planes = _planes(pixels[:, :, :3])
    luma = planes[0] if len(planes) == 1 else _LUMA[0] * planes[0] + _LUMA[1] * planes[1] + _LUMA[2] * planes[2]
    means = planes.mean(axis=(1, 2)).tolist()
    red, green, blue = means if len(means) == 3 else means * 3
    return ImageDescriptors(
        brightness=float(luma.mean()),
        contrast=float(luma.std()),
        sharpness=_sharpness(luma),
        width=width,
        height=height,
        aspect_ratio=width / height,
        colourfulness=_colourfulness(planes),
        mean_r=red,
        mean_g=green,
        mean_b=blue,
        entropy=_entropy(luma),
    )


def _planes(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Each channel by itself, shape (channels, height, width); of large images the mean of blocks."""
    height, width, channels = pixels.shape
    block = int(np.ceil(np.sqrt(height * width / _MOST_PIXELS)))
    if block == 1 or min(height, width) < block:
        return pixels.transpose(2, 0, 1).astype(np.float32, order="C")
    rows, columns = height // block, width // block  # a few rows at the edge are left out
    total = np.zeros((rows, columns, channels), dtype=np.uint32)
    for down in range(block):
        for right in range(block):
            total += pixels[down : rows * block : block, right : columns * block : block]
    return total.transpose(2, 0, 1).astype(np.float32, order="C") / np.float32(block**2)


def _sharpness(luma: NDArray[np.float32]) -> float:
    if min(luma.shape) < 3:
        return 0.0
    laplacian = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:] - 4 * luma[1:-1, 1:-1]
    return float(laplacian.var())


def _colourfulness(planes: NDArray[np.float32]) -> float:
    if len(planes) == 1:
        return 0.0
    red, green, blue = planes
    opponents = (red - green, (red + green) / 2 - blue)
    spread = np.hypot(*(one.std() for one in opponents))
    mean = np.hypot(*(one.mean() for one in opponents))
    return float(spread + 0.3 * mean)


def _entropy(luma: NDArray[np.float32]) -> float:
    levels = np.bincount(np.rint(luma).astype(np.uint8).ravel(), minlength=256)
    shares = levels[levels > 0] / luma.size
    return float(abs((shares * np.log2(shares)).sum()))
