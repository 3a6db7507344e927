"""Checked against Pillow, scipy, and closed forms."""

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageStat
from scipy import ndimage
from tests.pictures import pixels

from interlock.stats.image_descriptors import describe


def test_means_and_entropy_are_those_of_pillow() -> None:
    picture = Image.fromarray(pixels(40, 50))
    found, colours = describe(np.asarray(picture)), ImageStat.Stat(picture)
    assert [found.mean_r, found.mean_g, found.mean_b] == pytest.approx(colours.mean)
    grey = picture.convert("L")
    assert found.brightness == pytest.approx(ImageStat.Stat(grey).mean[0], abs=0.5)
    assert found.contrast == pytest.approx(ImageStat.Stat(grey).stddev[0], rel=0.01)
    assert found.entropy == pytest.approx(grey.entropy(), abs=0.1)


def test_sharpness_is_the_variance_of_the_laplacian() -> None:
    picture = pixels(30, 20, 1)
    laplacian = ndimage.laplace(picture[:, :, 0].astype(np.float64))[1:-1, 1:-1]
    assert describe(picture).sharpness == pytest.approx(laplacian.var(), rel=1e-5)


def test_a_blurred_picture_is_less_sharp() -> None:
    picture = Image.fromarray(pixels(64, 64))
    blurred = picture.filter(ImageFilter.GaussianBlur(2))
    assert describe(np.asarray(blurred)).sharpness < describe(np.asarray(picture)).sharpness / 10


def test_colourfulness_follows_its_formula() -> None:
    picture = pixels(16, 16)
    red, green, blue = (picture[:, :, channel].astype(np.float64) for channel in range(3))
    rg, yb = red - green, (red + green) / 2 - blue
    expected = np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean())
    assert describe(picture).colourfulness == pytest.approx(expected, rel=1e-5)


def test_grey_is_the_same_in_one_channel_or_three() -> None:
    grey = pixels(12, 9, 1)
    one, three = describe(grey).to_dict(), describe(np.repeat(grey, 3, axis=2)).to_dict()
    assert one == pytest.approx(three, rel=1e-5, abs=1e-3)
    assert one["colourfulness"] == 0.0


def test_a_picture_of_one_colour_says_so() -> None:
    found = describe(np.full((4, 8, 3), 200, dtype=np.uint8))
    assert (found.contrast, found.sharpness, found.entropy) == pytest.approx((0, 0, 0), abs=1e-3)
    assert (found.width, found.height, found.aspect_ratio) == (8, 4, 2.0)


def test_large_pictures_are_averaged_and_keep_their_size() -> None:
    small = pixels(60, 50)
    large = np.repeat(np.repeat(small, 40, axis=0), 40, axis=1)
    found, expected = describe(large), describe(small)
    assert (found.width, found.height) == (2000, 2400)
    assert found.brightness == pytest.approx(expected.brightness, rel=0.01)
    assert found.colourfulness == pytest.approx(expected.colourfulness, rel=0.05)


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 2), (0, 4, 3)])
def test_what_is_no_picture_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="must be"):
        describe(np.zeros(shape, dtype=np.uint8))


def test_tiny_pictures_have_no_sharpness() -> None:
    assert describe(np.full((1, 1, 3), 7, dtype=np.uint8)).sharpness == 0.0
