"""The small parts that read the wire."""

import struct
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.domain.access import Key
from interlock.domain.errors import ForbiddenError, InvalidInputError
from interlock.gateway import binary_tensors, lenient_json
from interlock.gateway.event_times import event_times, microseconds
from interlock.gateway.faults import Faults, shown
from interlock.gateway.tensors import flatten


class Body(msgspec.Struct):
    a: float


DECODER = msgspec.json.Decoder(Body)


@given(st.lists(st.text(max_size=20), max_size=10))
def test_texts_come_back_from_binary(texts: list[str]) -> None:
    raw = binary_tensors.encode(np.array(texts, dtype=object), "BYTES")
    assert binary_tensors.decode("x", "BYTES", [len(texts)], raw) == texts


@pytest.mark.parametrize("datatype", ["INT8", "UINT16", "INT32", "INT64", "FP16", "FP32", "FP64"])
def test_numbers_come_back_from_binary(datatype: str) -> None:
    raw = binary_tensors.encode(np.array([[1.0, 2.0], [3.0, 100.0]]), datatype)
    assert np.asarray(binary_tensors.decode("x", datatype, [2, 2], raw)).tolist() == [1, 2, 3, 100]


def test_any_byte_but_zero_is_true() -> None:
    assert np.asarray(binary_tensors.decode("x", "BOOL", [3], b"\x00\x01\x07")).tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (struct.pack("<I", 5) + b"ab", "longer than the binary data"),
        (b"\x01\x00", "longer than the binary data"),
        (struct.pack("<I", 2) + b"\xff\xfe", "is not UTF-8"),
        (b"", "does not hold 1 texts"),
        ((struct.pack("<I", 1) + b"a") * 2, "does not hold 1 texts"),
        (struct.pack("<I", 2**32 - 1), "longer than the binary data"),
    ],
)
def test_broken_texts_are_refused(raw: bytes, error: str) -> None:
    with pytest.raises(InvalidInputError, match=error):
        binary_tensors.decode("x", "BYTES", [1], raw)


@pytest.mark.parametrize(
    ("data", "shape", "error"),
    [
        ([[1, 2], [3]], [2, 2], "ragged"),
        ([[1, 2], 3], [2, 2], "ragged"),
        ([[1], [2], [3]], [2, 1], "has 3 rows, must have 2"),
        ([1, 2, 3], [2, 2], "has 3 values, must have 4"),
    ],
)
def test_data_that_contradicts_its_shape_is_refused(data: list[object], shape: list[int], error: str) -> None:
    faults = Faults()
    assert flatten("x", data, shape, faults) is None
    with pytest.raises(InvalidInputError, match=error):
        faults.raise_if_any()


def test_nan_gets_a_second_look_and_nothing_else_does() -> None:
    assert np.isnan(lenient_json.decode(b'{"a": NaN}', DECODER, Body).a)
    for body in (b'{"a": NaN', b"{'a': 1}", b'{"a": nan}', b"NaN", b'{"a": "NaN" 1}', b'{"a": NaN, "b": "\\ud800"}'):
        with pytest.raises(InvalidInputError):
            lenient_json.decode(body, DECODER, Body)


def test_event_times_need_an_offset() -> None:
    assert microseconds("t", "1970-01-01T00:00:01.5Z") == 1_500_000
    assert microseconds("t", "1970-01-01T02:00:00+02:00") == 0
    assert microseconds("t", "1969-12-31T23:59:59Z") == -1_000_000
    for wrong in ("2026-01-01", "2026-01-01T00:00:00", 5, None, "", "9999-99-99T00:00:00Z"):
        with pytest.raises(InvalidInputError, match="with Z or an offset"):
            microseconds("t", wrong)


def test_event_times_are_one_for_all_or_one_a_row() -> None:
    admin = Key(name="a", role="admin", digest="", created_at=datetime.now(UTC))
    scorer = msgspec.structs.replace(admin, role="scorer")
    moment = "1970-01-01T00:00:00Z"
    assert event_times(None, 3, scorer, 0) is None
    assert event_times(moment, 3, admin, 0) == [0]
    assert event_times([moment] * 3, 3, admin, 0) == [0, 0, 0]
    with pytest.raises(InvalidInputError, match="event_at has 2 times"):
        event_times([moment] * 2, 3, admin, 0)
    with pytest.raises(ForbiddenError, match="--allow backdate"):
        event_times(moment, 3, scorer, 0)


def test_event_times_far_ahead_or_before_1970_are_refused_by_name() -> None:
    admin = Key(name="a", role="admin", digest="", created_at=datetime.now(UTC))
    assert event_times("1970-01-02T00:00:00Z", 1, admin, now_us=0) == [86_400_000_000]
    assert event_times("2999-01-01T00:00:00Z", 1, admin, now_us=microseconds("t", "2998-12-31T12:00:00Z"))
    for wrong in ("1970-01-02T00:00:00.000001Z", "2999-01-01T00:00:00Z", "1969-12-31T23:59:59Z"):
        with pytest.raises(InvalidInputError, match=rf"^event_at\[1\] == '{wrong}', must be after 1970 and at most 24"):
            event_times(["1970-01-01T00:00:00Z", wrong], 2, admin, now_us=0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        (None, "null"),
        ("a" * 100, '"' + "a" * 59 + "..."),
    ],
)
def test_values_are_shown_as_written_and_shortened(value: object, text: str) -> None:
    assert shown(value) == text
