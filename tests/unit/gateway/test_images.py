import asyncio
import gc
from base64 import b64encode
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.pictures import encode, pixels, png

from interlock.domain.contract import MOST_PIXELS, Contract, Field, Image
from interlock.domain.errors import InvalidInputError, OverloadedError
from interlock.gateway.columns import ColumnReader, Rows
from interlock.gateway.faults import Faults
from interlock.gateway.images import ImageDecoding, Undecoded
from interlock.gateway.tensors import Tensor

SHAPE = (8, 6, 3)


def reader(shape: tuple[int, ...] = SHAPE, **rule: Any) -> ColumnReader:
    return ColumnReader(
        Contract(inputs=(Field(name="p", datatype="UINT8", shape=shape, image=Image(**rule)),), outputs=())
    )


def read(taking: ColumnReader, values: Any, datatype: str | None = "BYTES", shape: Any = None) -> Rows:
    rows = taking.read([Tensor("p", shape or [len(values)], values, datatype)], Faults())
    taking.decode(rows)
    return rows


def fault(taking: ColumnReader, values: Any, datatype: str | None = "BYTES", shape: Any = None) -> str:
    with pytest.raises(InvalidInputError) as caught:
        read(taking, values, datatype, shape)
    return str(caught.value)


def column(taking: ColumnReader, rows: Rows) -> NDArray[Any]:
    return taking.join([rows])["p"]


def test_files_base64_and_pixels_are_the_same_picture() -> None:
    taking, picture = reader(), pixels()
    ways = (
        read(taking, [encode(picture)]),
        read(taking, [b64encode(encode(picture)).decode()]),
        read(taking, [b64encode(encode(picture)).decode()], None),
        read(taking, picture.ravel(), "UINT8", [1, *SHAPE]),
        read(taking, picture.ravel().tolist(), None, [1, *SHAPE]),
    )
    for rows in ways:
        assert np.array_equal(column(taking, rows), picture[np.newaxis])
        assert column(taking, rows).dtype == np.uint8


def test_what_was_sent_is_kept_for_the_record() -> None:
    file = png()
    assert read(reader(), [file]).images == {"p": [file]}


def test_every_bad_image_is_named_with_its_row() -> None:
    said = fault(reader(), [png(), b"x", None, "%%%", png(seed=1)[:-20]])
    assert "p[1] is no image, must be PNG or JPEG" in said
    assert "p[2] is missing, must be an encoded image (base64 in JSON)" in said
    assert 'p[3] == "%%%", must be an encoded image in base64' in said
    assert fault(reader(), [png(), png()[:-30]]).startswith("p[1] is cut off or damaged")


def test_another_size_is_refused_unless_the_contract_resizes() -> None:
    assert fault(reader(), [png(9, 9)]) == "p[0] has the shape [9, 9, 3], must have [8, 6, 3] (height, width, channels)"
    resizing = reader(resize="bilinear")
    assert column(resizing, read(resizing, [png(9, 9)])).shape == (1, *SHAPE)
    assert column(resizing, read(resizing, pixels(9, 9).ravel(), "UINT8", [1, 9, 9, 3])).shape == (1, *SHAPE)


def test_pixels_of_another_shape_or_type_are_refused() -> None:
    assert "p: shape == [1, 9, 9, 3]" in fault(reader(), pixels(9, 9).ravel(), "UINT8", [1, 9, 9, 3])
    assert "must be BYTES (encoded images) or UINT8 (pixels)" in fault(reader(), [0.5] * 144, "FP32", [1, *SHAPE])
    assert "whole numbers from 0 to 255" in fault(reader(), [300] * 144, "UINT8", [1, *SHAPE])


def test_images_of_several_sizes_do_not_meet_in_one_request() -> None:
    taking = reader((-1, -1, 3))
    assert "in one request, must be of one" in fault(taking, [png(8, 6), png(9, 9)])
    assert read(taking, [png(9, 9)]).shapes == ((9, 9, 3),)


def test_large_images_are_decoded_in_a_thread_and_small_ones_at_once() -> None:
    async def others_run_meanwhile(file: bytes) -> bool:
        taking, turns = reader((-1, -1, 3)), [0]
        rows = taking.read([Tensor("p", [1], [file], "BYTES")], Faults())
        asyncio.get_running_loop().call_soon(turns.append, 1)
        await ImageDecoding().decode(rows, taking)
        assert rows.undecoded is None
        return len(turns) > 1

    assert asyncio.run(others_run_meanwhile(png(1000, 1000)))
    assert not asyncio.run(others_run_meanwhile(png(32, 32)))


def test_one_request_may_not_have_endless_pixels() -> None:
    rows = Rows(1, undecoded={"p": Undecoded([], MOST_PIXELS + 1)})
    with pytest.raises(InvalidInputError, match="in one request"):
        asyncio.run(ImageDecoding().decode(rows, reader()))


def test_pixels_under_way_are_bounded_and_freed_with_their_rows() -> None:
    class Nothing:
        def decode(self, rows: Any) -> None:
            rows.undecoded = None

    async def fill() -> None:
        decoding = ImageDecoding()
        waiting = [Rows(1, undecoded={"p": Undecoded([], MOST_PIXELS)}) for _ in range(4)]
        for rows in waiting[:3]:
            await decoding.decode(rows, Nothing())
        with pytest.raises(OverloadedError):
            await decoding.decode(waiting[3], Nothing())
        del rows, waiting[0]
        gc.collect()
        await decoding.decode(waiting[-1], Nothing())

    asyncio.run(fill())
