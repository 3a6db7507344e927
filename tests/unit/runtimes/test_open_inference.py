import json
import struct
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from interlock.runtimes.open_inference import WrongAnswerError, decode, encode, error_of

NUMBERS = np.array([[1.5, np.nan], [-2.0, 3.0]])
TEXTS = np.array(["a", "ü", ""], dtype=object)


def output(**changes: Any) -> dict[str, Any]:
    return {"name": "y", "datatype": "FP64", "shape": [2], "data": [1.0, 2.0], **changes}


def answer(*outputs: dict[str, Any]) -> bytes:
    return json.dumps({"model_name": "m", "outputs": list(outputs)}).encode()


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize(
    ("datatype", "values"),
    [
        ("FP64", NUMBERS), ("FP32", np.array([0.5])), ("FP16", np.array([0.5])), ("INT64", np.array([2**53 + 1])),
        ("INT8", np.array([-128, 127])), ("UINT8", np.array([0, 255])), ("BOOL", np.array([True, False])),
        ("BYTES", TEXTS), ("INT32", np.array([1.0, 2.0])),
    ],
)  # fmt: skip
def test_a_request_read_as_an_answer_gives_the_same_values(datatype: str, values: NDArray[Any], binary: bool) -> None:
    body, headers = encode({"x": (datatype, values)}, binary=binary)
    length = headers.get("Inference-Header-Content-Length")
    assert (length is not None) == binary
    head = json.loads(body[: int(length)] if length else body)
    head["outputs"] = head.pop("inputs")
    rewritten = json.dumps(head).encode()
    rest = body[int(length) :] if length else b""
    found = decode(rewritten + rest, str(len(rewritten)) if length else None)["x"]
    np.testing.assert_array_equal(found, values)
    assert found.shape == values.shape


def test_a_missing_text_goes_as_json_also_where_bytes_are_taken() -> None:
    body, headers = encode({"x": ("BYTES", np.array(["a", None], dtype=object))}, binary=True)
    assert json.loads(body)["inputs"][0]["data"] == ["a", None]
    assert "Inference-Header-Content-Length" not in headers


@pytest.mark.parametrize(("datatype", "value"), [("INT8", 200), ("UINT8", -1), ("INT32", 2**31), ("INT64", 0.5)])
def test_a_value_that_does_not_fit_its_datatype_is_refused(datatype: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"x holds a value that is no {datatype}"):
        encode({"x": (datatype, np.array([value]))}, binary=True)


def test_nested_data_and_nulls() -> None:
    nested = output(shape=[2, 2], data=[[1, 2], [3, None]])
    np.testing.assert_array_equal(decode(answer(nested), None)["y"], [[1.0, 2.0], [3.0, np.nan]])


@pytest.mark.parametrize(
    "wrong",
    [
        output(shape=[3]), output(shape=[-1]), output(shape=[-2, -1]), output(datatype="FP8"), output(data=None),
        output(data=[[1], 2]), output(data=["a", "b"]), output(data="ab"), output(data={"a": 1}),
        output(parameters={"binary_data_size": 16}), output(parameters={"binary_data_size": -1}),
        output(parameters={"binary_data_size": "8"}),
    ],
)  # fmt: skip
def test_an_answer_that_does_not_add_up_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(WrongAnswerError):
        decode(answer(wrong), None)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"outputs": 1}', b'{"outputs": [{"name": "y"}]}', b'{"a": 1}']
)
def test_what_is_no_answer_of_the_protocol_is_refused(body: bytes) -> None:
    with pytest.raises(WrongAnswerError, match="not of the protocol"):
        decode(body, None)


@pytest.mark.parametrize("length", ["0", "-1", "x", "1000000", "9" * 30, ""])
def test_a_wrong_length_of_the_json_is_refused(length: str) -> None:
    with pytest.raises(WrongAnswerError, match="must be the length of the JSON"):
        decode(answer(output()), length)


@pytest.mark.parametrize(
    ("datatype", "shape", "raw"),
    [
        ("FP64", [2], b"\0" * 15), ("FP64", [1], b"\0" * 16), ("BYTES", [1], b"\1\0\0"),
        ("BYTES", [1], struct.pack("<I", 9) + b"short"), ("BYTES", [2], struct.pack("<I", 1) + b"a"),
    ],
)  # fmt: skip
def test_bytes_that_do_not_fill_a_tensor_are_refused(datatype: str, shape: list[int], raw: bytes) -> None:
    described = {"name": "y", "datatype": datatype, "shape": shape, "parameters": {"binary_data_size": len(raw)}}
    head = answer(described)
    with pytest.raises(WrongAnswerError, match=r"^y: "):
        decode(head + raw, str(len(head)))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": "queue\\n is full"}', "queue is full"), (b'{"detail": "no"}', "no"), (b"<html>\nno", "<html> no"),
        (b"", ""), (b"\xff", "\ufffd"), (b'"no"', "no"),
    ],
)  # fmt: skip
def test_what_a_server_says_is_one_line(body: bytes, said: str) -> None:
    assert error_of(body) == said
