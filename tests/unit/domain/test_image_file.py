import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageOps, PngImagePlugin
from tests.pictures import encode, pixels, png, turned

from interlock.domain.contract import Field, Image
from interlock.domain.image_file import (
    UnreadableImageError,
    check_head,
    decode,
    encode_png,
    fit,
    format_of,
)

ANY = Image()


def refusal(data: bytes, rule: Image = ANY) -> str:
    with pytest.raises(UnreadableImageError) as caught:
        checked(data, rule)
    return str(caught.value)


def checked(data: bytes, rule: Image = ANY) -> tuple[tuple[int, int, int], NDArray[np.uint8]]:
    return check_head(data, rule), decode(data, rule, 3)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_what_png_holds_comes_out_as_it_was(channels: int) -> None:
    given_pixels = pixels(channels=channels)
    assert np.array_equal(decode(encode(given_pixels), ANY, channels), given_pixels)
    assert np.array_equal(decode(encode_png(given_pixels), ANY, channels), given_pixels)


def test_the_head_tells_height_width_and_channels() -> None:
    assert check_head(png(8, 6), ANY) == (8, 6, 3)
    assert check_head(encode(pixels(5, 7, 1), "JPEG"), ANY) == (5, 7, 1)


@pytest.mark.parametrize(
    ("mode", "colour", "grey"),
    [
        ("1", (255, 255, 255), 255),
        ("L", (7, 7, 7), 7),
        ("LA", (7, 7, 7), 7),
        ("P", (255, 0, 0), 76),
        ("RGB", (10, 20, 30), 18),
        ("RGBA", (10, 20, 30), 18),
    ],
)
def test_modes_become_colour_or_grey_and_transparency_is_dropped(
    mode: str, colour: tuple[int, int, int], grey: int
) -> None:
    fills: dict[str, int | tuple[int, ...]] = {
        "1": 1,
        "L": 7,
        "LA": (7, 3),
        "P": 0,
        "RGB": (10, 20, 30),
        "RGBA": (10, 20, 30, 3),
    }
    picture = Pillow.new(mode, (4, 4), fills[mode])
    if mode == "P":
        picture.putpalette([255, 0, 0])
    data = encode(picture)
    assert decode(data, ANY, 3)[0, 0].tolist() == list(colour)
    assert decode(data, ANY, 1)[0, 0].tolist() == [grey]


def test_grey_of_16_bits_keeps_its_upper_8() -> None:
    deep = np.array([[0, 255, 256, 0xFFFF]], dtype=np.uint16)
    data = encode(Pillow.fromarray(deep))
    assert decode(data, ANY, 1)[0, :, 0].tolist() == [0, 0, 1, 255]
    assert decode(data, ANY, 3)[0, 3].tolist() == [255, 255, 255]


def test_print_colours_become_red_green_and_blue() -> None:
    data = encode(Pillow.new("CMYK", (4, 4), (255, 0, 0, 0)), "JPEG", quality=100)
    assert decode(data, ANY, 3)[0, 0, 0] < 20 < decode(data, ANY, 3)[0, 0, 2]


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_its_exif_data_say(orientation: int, form: str) -> None:
    data = turned(orientation, form)
    expected = np.asarray(ImageOps.exif_transpose(Pillow.open(BytesIO(data))))
    assert np.array_equal(decode(data, ANY, 3), expected)
    if form == "JPEG":
        assert check_head(data, ANY)[:2] == expected.shape[:2]


def test_limits_of_bytes_and_pixels_hold_before_anything_is_decoded() -> None:
    assert refusal(png(), Image(max_bytes=20)) == f"has {len(png())} bytes, must have at most 20"
    assert refusal(png(8, 6), Image(max_pixels=47)) == "has 6 x 8 pixels, must have at most 47"


def bomb(width: int, height: int) -> bytes:
    """A PNG that claims many pixels and holds a few bytes."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def test_a_bomb_is_refused_by_what_it_claims() -> None:
    assert "pixels, must have at most" in refusal(bomb(100_000, 100_000))
    assert "cut off or damaged" in refusal(bomb(100, 100))


def test_texts_that_unpack_to_much_are_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = PngImagePlugin.PngInfo()
    for number in range(70):
        texts.add_text(f"k{number}", "x" * 1_000_000, zip=True)
    found = pixels()
    data = encode(found, "PNG", pnginfo=texts)
    unpacked: list[int] = []
    monkeypatch.setattr(PngImagePlugin.PngStream, "chunk_zTXt", lambda *_: unpacked.append(1))
    assert check_head(data, ANY) == (8, 6, 3)
    assert np.array_equal(decode(data, ANY, 3), found)
    assert unpacked == []


def test_other_formats_are_refused_by_name() -> None:
    assert refusal(encode(pixels(), "GIF")) == "is no image, must be PNG or JPEG"
    assert refusal(b"hello") == "is no image, must be PNG or JPEG"
    assert refusal(png(), Image(formats=("jpeg",))) == "is a PNG, must be JPEG"
    assert format_of(encode(pixels(), "JPEG")) == "jpeg"


def test_moving_pictures_are_refused() -> None:
    frames = [Pillow.fromarray(pixels(seed=seed)) for seed in range(2)]
    data = encode(frames[0], "PNG", save_all=True, append_images=frames[1:])
    assert refusal(data) == "is animated, must be one still picture"


def test_a_jpeg_of_endless_scans_is_refused() -> None:
    progressive = encode(pixels(64, 64), "JPEG", progressive=True)
    check_head(progressive, ANY)
    assert "scans, must have at most 64" in refusal(progressive + b"\xff\xda" * 100)


def test_a_picture_is_stretched_only_if_the_contract_says_so() -> None:
    found = pixels(8, 6)
    resized = fit(found, Field(name="p", datatype="UINT8", shape=(4, 4, 3), image=Image(resize="bilinear")))
    assert resized.shape == (4, 4, 3)
    assert np.array_equal(resized, np.asarray(Pillow.fromarray(found).resize((4, 4), Pillow.Resampling.BILINEAR)))
    with pytest.raises(UnreadableImageError, match=r"has the shape \[8, 6, 3\], must have \[4, 4, 3\]"):
        fit(found, Field(name="p", datatype="UINT8", shape=(4, 4, 3), image=ANY))
    assert fit(found, Field(name="p", datatype="UINT8", shape=(-1, 6, 3), image=ANY)) is found


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damage_is_a_sentence_and_never_another_error(data: st.DataObject) -> None:
    """Cut off anywhere, or with any byte changed: refused in words, or decoded to the size that its head says."""
    file = data.draw(st.sampled_from([png(), encode(pixels(32, 24), "JPEG"), encode(pixels(9, 9, 1))]))
    at = data.draw(st.integers(1, len(file) - 1))
    broken = file[:at] if data.draw(st.booleans()) else file[:at] + bytes([file[at] ^ 0xFF]) + file[at + 1 :]
    try:
        head, found = checked(broken)
    except UnreadableImageError:
        return
    assert found.shape == (*head[:2], 3)
